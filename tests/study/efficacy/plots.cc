#include "tests/study/efficacy/plots.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace lehr {
namespace {

constexpr double kWidth = 800;

// Where curves are drawn, in the units of the drawing.
struct Panel {
  double left;
  double top;
  double right;
  double bottom;

  // Of shares from 0 to 1.
  double X(double share) const { return left + share * (right - left); }
  double Y(double share) const { return bottom - share * (bottom - top); }
};

struct PolicyColor {
  std::string_view policy;
  const char* color;
};

// Told apart by most eyes (Okabe and Ito, 2008); a policy has the same one in every plot.
constexpr PolicyColor kColors[] = {{"none", "#888888"},           {"literal", "#d55e00"},
                                   {"constant", "#e69f00"},       {"restart", "#009e73"},
                                   {"redo", "#cc79a7"},           {"reheat", "#0072b2"},
                                   {"shrink-perturb", "#8a6d00"}, {"reheat-bare", "#56b4e9"}};

const char* ColorOf(const Row& row) {
  const auto* const found =
      std::find_if(std::begin(kColors), std::end(kColors),
                   [&](const PolicyColor& color) { return color.policy == PolicyOf(row); });
  return found == std::end(kColors) ? "#000000" : found->color;
}

std::string Text(double x, double y, const char* anchor, const char* color,
                 const std::string& text) {
  return absl::StrFormat("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"%s\">%s</text>\n",
                         x, y, anchor, color,
                         absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}}));
}

std::string Line(double x1, double y1, double x2, double y2, const char* color, double width) {
  return absl::StrFormat("<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"%s\" stroke-width=\"%g\"/>\n",
                         x1, y1, x2, y2, color, width);
}

std::string Begin(double height, const std::string& title) {
  return absl::StrFormat(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" width=\"%g\" "
             "height=\"%g\" font-family=\"sans-serif\" font-size=\"12\">\n"
             "<rect width=\"100%%\" height=\"100%%\" rx=\"6\" fill=\"#ffffff\"/>\n"
             "<g font-size=\"14\" font-weight=\"bold\">\n",
             kWidth, height, kWidth, height) +
         Text(14, 22, "start", "#222222", title) + "</g>\n";
}

// A number below an upright line, or left of a level one.
std::string UprightTick(const Panel& panel, double share, const std::string& label) {
  return Line(panel.X(share), panel.top, panel.X(share), panel.bottom, "#e6e6e6", 1) +
         Text(panel.X(share), panel.bottom + 16, "middle", "#444444", label);
}
std::string LevelTick(const Panel& panel, double share, const std::string& label) {
  return Line(panel.left, panel.Y(share), panel.right, panel.Y(share), "#e6e6e6", 1) +
         Text(panel.left - 6, panel.Y(share) + 4, "end", "#444444", label);
}

// Short, so that those of a logarithmic axis have room.
std::string StepLabel(double steps) {
  return steps < 1000 ? absl::StrFormat("%g", steps) : absl::StrFormat("%gk", steps / 1000);
}

std::string PercentTicks(const Panel& panel) {
  std::string text;
  for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    absl::StrAppend(&text, LevelTick(panel, share, absl::StrFormat("%g %%", 100 * share)));
  }
  return text;
}

std::string Frame(const Panel& panel) {
  return Line(panel.left, panel.top, panel.left, panel.bottom, "#666666", 1) +
         Line(panel.left, panel.bottom, panel.right, panel.bottom, "#666666", 1);
}

// Steps from 1 on, so that the first one has a logarithm.
std::vector<double> StepsToGoal(const Row& row) {
  std::vector<double> steps;
  for (const TrialResult& trial : row.trials) {
    if (trial.reached_step >= 0) {
      steps.push_back(static_cast<double>(trial.reached_step + 1));
    }
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

// Stairs from the left edge of the panel to its right one.
std::string Stairs(const Row& row, const Panel& panel, double least, double greatest) {
  const std::vector<double> steps = StepsToGoal(row);
  const bool ours = PolicyOf(row) == "reheat";
  std::string text =
      absl::StrFormat("<path fill=\"none\" stroke=\"%s\" stroke-width=\"%g\" d=\"M%.1f %.1f",
                      ColorOf(row), ours ? 2.5 : 1.5, panel.left, panel.bottom);
  const size_t stride = std::max<size_t>(1, steps.size() / 200);
  for (size_t i = 0; i < steps.size(); i += stride) {
    absl::StrAppendFormat(&text, "H%.1fV%.1f",
                          panel.X(std::log(steps[i] / least) / std::log(greatest / least)),
                          panel.Y(static_cast<double>(std::min(i + stride, steps.size())) /
                                  static_cast<double>(row.trials.size())));
  }
  return absl::StrCat(text, absl::StrFormat("H%.1f\"/>\n", panel.right));
}

std::string Curve(const std::vector<std::pair<double, double>>& points, const char* color) {
  std::string text;
  for (const auto& [x, y] : points) {
    absl::StrAppendFormat(&text, "%s%.1f %.1f", text.empty() ? "M" : "L", x, y);
  }
  return absl::StrFormat("<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" d=\"%s\"/>\n",
                         color, text);
}

}  // namespace

std::vector<double> EvenTicks(double greatest) {
  const double power = std::pow(10, std::floor(std::log10(greatest)) - 1);
  double spacing = power;
  for (const double factor : {1, 2, 5, 10, 20, 50}) {
    spacing = factor * power;
    if (greatest / spacing < 6) {
      break;
    }
  }
  std::vector<double> ticks;
  for (int i = 0; i * spacing <= greatest * (1 + 1e-9); ++i) {
    ticks.push_back(i * spacing);
  }
  return ticks;
}

std::vector<double> LogTicks(double least, double greatest) {
  const std::vector<double> factors = greatest > 10 * least
                                          ? std::vector<double>{1, 2, 5}
                                          : std::vector<double>{1, 1.5, 2, 3, 4, 5, 6, 8};
  std::vector<double> ticks;
  for (double power = std::pow(10, std::floor(std::log10(least))); power <= greatest; power *= 10) {
    for (const double factor : factors) {
      const double tick = factor * power;
      if (tick >= least * (1 - 1e-9) && tick <= greatest * (1 + 1e-9)) {
        ticks.push_back(tick);
      }
    }
  }
  return ticks;
}

std::string RescueCurves(const std::vector<Row>& rows, const StudyTask& task) {
  std::vector<const Row*> of_task;
  double least = INFINITY;
  double greatest = 0;
  for (const Row& row : rows) {
    if (row.task != &task) {
      continue;
    }
    of_task.push_back(&row);
    const std::vector<double> steps = StepsToGoal(row);
    if (!steps.empty()) {
      least = std::min(least, steps.front());
      greatest = std::max(greatest, steps.back());
    }
  }
  if (greatest == 0) {
    return "";
  }
  // Room for the first and last stair, and for a single one.
  least *= 0.8;
  greatest *= 1.25;
  const Panel panel = {.left = 56, .top = 40, .right = 480, .bottom = 330};
  std::string text =
      Begin(/*height=*/376, absl::StrCat(task.title, ": runs that have reached the goal")) +
      PercentTicks(panel);
  for (const double tick : LogTicks(least, greatest)) {
    absl::StrAppend(&text, UprightTick(panel, std::log(tick / least) / std::log(greatest / least),
                                       StepLabel(tick)));
  }
  absl::StrAppend(&text, Frame(panel),
                  Text(panel.X(0.5), panel.bottom + 36, "middle", "#222222", "steps"));
  double y = panel.top + 10;
  for (const Row* row : of_task) {
    absl::StrAppend(&text, Stairs(*row, panel, least, greatest),
                    Line(panel.right + 14, y - 4, panel.right + 34, y - 4, ColorOf(*row), 3),
                    Text(panel.right + 40, y, "start", "#222222", row->arm));
    y += 20;
  }
  return text + "</svg>\n";
}

std::string TracePlot(const Trace& trace, const std::string& title) {
  if (trace.points.empty()) {
    return "";
  }
  const Panel upper = {.left = 70, .top = 54, .right = kWidth - 20, .bottom = 200};
  const Panel lower = {.left = 70, .top = 236, .right = kWidth - 20, .bottom = 356};
  const int64_t last_action = trace.action_steps.empty() ? 0 : trace.action_steps.back();
  const auto last =
      static_cast<double>(std::max<int64_t>({1, trace.points.back().step, last_action}));
  double hottest = 1e-30;
  for (const TracePoint& point : trace.points) {
    hottest = std::max(hottest, point.temperature);
  }
  std::string text = Begin(/*height=*/402, title) + PercentTicks(upper);
  for (const double tick : EvenTicks(hottest)) {
    absl::StrAppend(&text, LevelTick(lower, tick / hottest, absl::StrFormat("%g", tick)));
  }
  for (const double tick : EvenTicks(last)) {
    absl::StrAppend(&text, UprightTick(lower, tick / last, StepLabel(tick)));
  }
  for (const int64_t step : trace.action_steps) {
    const double x = upper.X(static_cast<double>(step) / last);
    absl::StrAppend(&text, Line(x, upper.top, x, lower.bottom, "#e69f00", 1));
  }
  std::vector<std::pair<double, double>> accuracy;
  std::vector<std::pair<double, double>> temperature;
  for (const TracePoint& point : trace.points) {
    const double share = static_cast<double>(point.step) / last;
    accuracy.emplace_back(upper.X(share), upper.Y(point.accuracy));
    temperature.emplace_back(lower.X(share), lower.Y(point.temperature / hottest));
  }
  return absl::StrCat(
      text, Frame(upper), Frame(lower), Curve(accuracy, "#0072b2"), Curve(temperature, "#d55e00"),
      Text(upper.left, upper.top - 4, "start", "#0072b2", "accuracy"),
      Text(lower.left, lower.top - 6, "start", "#d55e00", "temperature"),
      Text(upper.right, upper.top - 4, "end", "#a06f00", "| parameters changed from outside"),
      Text(lower.X(0.5), lower.bottom + 36, "middle", "#222222", "steps"), "</svg>\n");
}

}  // namespace lehr
