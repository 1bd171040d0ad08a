#include "client/cli/svg_chart.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/html.h"

namespace lehr {
namespace {

// Units of the view box.
constexpr double kWidth = 960;
constexpr double kHeight = 200;
constexpr double kLeft = 64;
constexpr double kRight = 10;
constexpr double kTop = 8;
constexpr double kBottom = 22;

// Where the values span more than this, the axis is in decades.
constexpr double kDecadesFrom = 100;
// Below the greatest value by more than this, values lie on the bottom.
constexpr double kMostDecades = 6;
constexpr double kTickHeight = 10;

class HorizontalAxis {
 public:
  explicit HorizontalAxis(const ChartSteps& steps)
      : first_(static_cast<double>(steps.first_step)),
        span_(std::max(1.0, static_cast<double>(steps.last_step) - first_)) {}

  double At(double step) const {
    return kLeft + (step - first_) / span_ * (kWidth - kLeft - kRight);
  }
  std::vector<double> Ticks() const {
    std::vector<double> ticks = RoundNumbers(first_, first_ + span_, 8);
    // There is no step between two steps.
    std::erase_if(ticks, [](double tick) { return tick != std::floor(tick); });
    return ticks;
  }

 private:
  double first_;
  double span_;
};

class VerticalAxis {
 public:
  VerticalAxis(ChartScale scale, double least_positive, double greatest) {
    if (greatest <= 0) {
      return;
    }
    in_decades_ = scale == ChartScale::kDecadesIfWide && least_positive < greatest / kDecadesFrom;
    if (in_decades_) {
      high_ = std::ceil(std::log10(greatest));
      low_ = std::max(std::floor(std::log10(least_positive)), high_ - kMostDecades);
    } else {
      high_ = greatest * 1.05;
    }
  }

  double At(double value) const {
    const double scaled = in_decades_ ? (value > 0 ? std::log10(value) : low_) : value;
    const double share = std::clamp((scaled - low_) / (high_ - low_), 0.0, 1.0);
    return kHeight - kBottom - share * (kHeight - kTop - kBottom);
  }

  std::vector<double> Ticks() const {
    if (!in_decades_) {
      return RoundNumbers(low_, high_, 5);
    }
    std::vector<double> ticks;
    const double every = std::ceil((high_ - low_) / 5);
    for (double decade = low_; decade <= high_; decade += every) {
      ticks.push_back(std::pow(10, decade));
    }
    return ticks;
  }

 private:
  bool in_decades_ = false;
  double low_ = 0;
  double high_ = 1;
};

// One decimal of a unit is less than can be seen.
std::string Coordinate(double value) {
  const double rounded = std::round(value * 10) / 10;
  return absl::StrCat(rounded);
}

std::string LinePath(const std::vector<CurvePoint>& points, const HorizontalAxis& x,
                     const VerticalAxis& y) {
  std::string path;
  for (const CurvePoint& point : points) {
    absl::StrAppend(&path, path.empty() ? "M" : "L", Coordinate(x.At(point.step)), ",",
                    Coordinate(y.At(point.value)));
  }
  // A single point would be invisible.
  return points.size() == 1 ? path + "h2" : path;
}

std::string StemsPath(const std::vector<CurvePoint>& points, const HorizontalAxis& x,
                      const VerticalAxis& y) {
  std::string path;
  for (const CurvePoint& point : points) {
    absl::StrAppend(&path, "M", Coordinate(x.At(point.step)), ",", Coordinate(kHeight - kBottom),
                    "V", Coordinate(y.At(point.value)));
  }
  return path;
}

std::string TickText(double value) {
  return value >= 1e6 ? absl::StrFormat("%.4g", value) : absl::StrCat(value);
}

}  // namespace

std::vector<double> RoundNumbers(double low, double high, int count) {
  const double rough = (high - low) / count;
  if (!(rough > 0)) {
    return {low};
  }
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double every = 10 * power;
  for (const double factor : {1, 2, 5}) {
    if (factor * power >= rough) {
      every = factor * power;
      break;
    }
  }
  std::vector<double> numbers;
  for (double k = std::ceil(low / every); k * every <= high; ++k) {
    numbers.push_back(k * every);
  }
  return numbers;
}

void SvgChart::AddLine(std::string css_class, std::vector<CurvePoint> points) {
  curves_.push_back({std::move(css_class), std::move(points), CurveKind::kLine});
}

void SvgChart::AddBand(std::string css_class, std::vector<CurvePoint> upper,
                       const std::vector<CurvePoint>& lower) {
  upper.insert(upper.end(), lower.rbegin(), lower.rend());
  curves_.push_back({std::move(css_class), std::move(upper), CurveKind::kBand});
}

void SvgChart::AddStems(std::string css_class, std::vector<CurvePoint> points) {
  curves_.push_back({std::move(css_class), std::move(points), CurveKind::kStems});
}

void SvgChart::AddMark(std::string css_class, int64_t step, MarkHeight height) {
  marks_.push_back({std::move(css_class), step, height});
}

std::string SvgChart::Text(const std::string& label) const {
  double greatest = 0;
  double least_positive = std::numeric_limits<double>::infinity();
  for (const Curve& curve : curves_) {
    for (const CurvePoint& point : curve.points) {
      greatest = std::max(greatest, point.value);
      if (point.value > 0) {
        least_positive = std::min(least_positive, point.value);
      }
    }
  }
  const HorizontalAxis x(steps_);
  const VerticalAxis y(scale_, least_positive, greatest);
  std::string svg = absl::StrFormat("<svg viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"%s\">\n",
                                    kWidth, kHeight, EscapeHtml(label));
  for (const double tick : y.Ticks()) {
    const std::string at = Coordinate(y.At(tick));
    absl::StrAppendFormat(&svg,
                          "<path class=\"grid\" d=\"M%g,%sH%g\"/>"
                          "<text x=\"%g\" y=\"%s\" class=\"left\">%s</text>\n",
                          kLeft, at, kWidth - kRight, kLeft - 6, at, TickText(tick));
  }
  for (const double tick : x.Ticks()) {
    const std::string at = Coordinate(x.At(tick));
    absl::StrAppendFormat(&svg, "<text x=\"%s\" y=\"%g\" class=\"below\">%s</text>\n", at,
                          kHeight - 5, TickText(tick));
  }
  for (const Mark& mark : marks_) {
    absl::StrAppendFormat(
        &svg, "<path class=\"%s\" d=\"M%s,%gV%g\"/>\n", mark.css_class,
        Coordinate(x.At(static_cast<double>(mark.step))), kTop,
        mark.height == MarkHeight::kTick ? kTop + kTickHeight : kHeight - kBottom);
  }
  for (const Curve& curve : curves_) {
    std::vector<CurvePoint> points;
    std::copy_if(curve.points.begin(), curve.points.end(), std::back_inserter(points),
                 [&](const CurvePoint& point) {
                   return point.step >= steps_.first_step && point.step <= steps_.last_step;
                 });
    if (!points.empty()) {
      absl::StrAppendFormat(
          &svg, "<path class=\"%s\" d=\"%s%s\"/>\n", curve.css_class,
          curve.kind == CurveKind::kStems ? StemsPath(points, x, y) : LinePath(points, x, y),
          curve.kind == CurveKind::kBand ? "Z" : "");
    }
  }
  return svg + "</svg>\n";
}

}  // namespace lehr
