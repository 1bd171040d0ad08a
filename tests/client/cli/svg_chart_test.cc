#include "client/cli/svg_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lehr {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(RoundNumbers, AreOneTwoOrFiveTimesAPowerOfTen) {
  EXPECT_THAT(RoundNumbers(0, 10, 5), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(RoundNumbers(0, 2300, 5), ElementsAre(0, 500, 1000, 1500, 2000));
  EXPECT_THAT(RoundNumbers(7, 23, 8), ElementsAre(8, 10, 12, 14, 16, 18, 20, 22));
  EXPECT_THAT(
      RoundNumbers(0, 0.25, 5),
      ElementsAre(0, DoubleNear(0.05, 1e-12), DoubleNear(0.1, 1e-12), DoubleNear(0.15, 1e-12),
                  DoubleNear(0.2, 1e-12), DoubleNear(0.25, 1e-12)));
  EXPECT_THAT(RoundNumbers(3, 3, 5), ElementsAre(3));
}

// The plot reaches from (64, 178) to (950, 8); the greatest value lies at 1/1.05 of its height.
TEST(SvgChart, DrawsALineFromZeroOn) {
  SvgChart chart({.first_step = 0, .last_step = 100}, ChartScale::kLinear);
  chart.AddLine("mean", {{0, 0}, {50, 21}, {100, 10.5}});
  EXPECT_THAT(chart.Text("Mean"),
              HasSubstr("<path class=\"mean\" d=\"M64,178L507,16.1L950,97\"/>"));
}

TEST(SvgChart, ABandGoesAlongItsUpperLineAndBackAlongItsLowerOne) {
  SvgChart chart({.first_step = 0, .last_step = 100}, ChartScale::kLinear);
  chart.AddBand("band", {{0, 21}, {100, 21}}, {{0, 0}, {50, 10.5}, {100, 0}});
  EXPECT_THAT(chart.Text("Losses"),
              HasSubstr("<path class=\"band\" d=\"M64,16.1L950,16.1L950,178L507,97L64,178Z\"/>"));
}

// 0.01 to 10 are three decades; what is 0 lies on the bottom.
TEST(SvgChart, WideValuesAreInDecades) {
  SvgChart chart({.first_step = 0, .last_step = 2}, ChartScale::kDecadesIfWide);
  chart.AddLine("mean", {{0, 10}, {1, 0.01}, {2, 0}});
  const std::string svg = chart.Text("Mean");
  EXPECT_THAT(svg, HasSubstr("d=\"M64,8L507,178L950,178\""));
  EXPECT_THAT(svg, HasSubstr(">0.01</text>"));
  EXPECT_THAT(svg, HasSubstr(">0.1</text>"));
}

TEST(SvgChart, MarksAndStemsStandUpright) {
  SvgChart chart({.first_step = 0, .last_step = 100}, ChartScale::kLinear);
  chart.AddMark("restore", 50, SvgChart::MarkHeight::kWhole);
  chart.AddMark("snapshot", 100, SvgChart::MarkHeight::kTick);
  chart.AddStems("perturb", {{0, 21}});
  const std::string svg = chart.Text("Noise");
  EXPECT_THAT(svg, HasSubstr("<path class=\"restore\" d=\"M507,8V178\"/>"));
  EXPECT_THAT(svg, HasSubstr("<path class=\"snapshot\" d=\"M950,8V18\"/>"));
  EXPECT_THAT(svg, HasSubstr("<path class=\"perturb\" d=\"M64,178V16.1\"/>"));
}

TEST(SvgChart, AChartOfNothingHasAxes) {
  SvgChart chart({.first_step = 0, .last_step = 0}, ChartScale::kDecadesIfWide);
  chart.AddLine("mean", {});
  const std::string svg = chart.Text("Nothing");
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, HasSubstr("aria-label=\"Nothing\""));
}

}  // namespace
}  // namespace lehr
