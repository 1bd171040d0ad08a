// Curves over the steps of a run as an SVG picture that needs no script: axes with round numbers,
// colours by CSS classes, so that the page chooses them.
//
//   SvgChart chart({.first_step = 0, .last_step = 999}, ChartScale::kLinear);
//   chart.AddLine("mean", points);
//   out << chart.Text("Mean loss over the steps");
#ifndef LEHR_CLIENT_CLI_SVG_CHART_H_
#define LEHR_CLIENT_CLI_SVG_CHART_H_

#include <cstdint>
#include <string>
#include <vector>

#include "client/cli/downsample.h"

namespace lehr {

// What is the same for charts that stand below each other.
struct ChartSteps {
  int64_t first_step = 0;
  int64_t last_step = 0;
};

enum class ChartScale {
  // From 0 on.
  kLinear,
  // In decades where the values span more than two of them; at most six, lower values lie on the
  // bottom.
  kDecadesIfWide,
};

class SvgChart {
 public:
  SvgChart(ChartSteps steps, ChartScale scale) : steps_(steps), scale_(scale) {}

  // `css_class`: one or more class names. Values >= 0. Points beyond the steps are left out.
  void AddLine(std::string css_class, std::vector<CurvePoint> points);
  // The area between two lines.
  void AddBand(std::string css_class, std::vector<CurvePoint> upper,
               const std::vector<CurvePoint>& lower);
  // A line from 0 to each point.
  void AddStems(std::string css_class, std::vector<CurvePoint> points);
  // A line through the whole height, or a tick at the top.
  enum class MarkHeight { kWhole, kTick };
  void AddMark(std::string css_class, int64_t step, MarkHeight height);

  // `label`: what the picture shows, for those who cannot see it.
  std::string Text(const std::string& label) const;

 private:
  enum class CurveKind { kLine, kBand, kStems };
  struct Curve {
    std::string css_class;
    // Of a band: the upper line, and the lower one backwards.
    std::vector<CurvePoint> points;
    CurveKind kind;
  };
  struct Mark {
    std::string css_class;
    int64_t step;
    MarkHeight height;
  };

  ChartSteps steps_;
  ChartScale scale_;
  std::vector<Curve> curves_;
  std::vector<Mark> marks_;
};

// Round numbers (1, 2 or 5 times a power of ten) within [low, high], about `count` of them.
std::vector<double> RoundNumbers(double low, double high, int count);

}  // namespace lehr

#endif  // LEHR_CLIENT_CLI_SVG_CHART_H_
