#include "tests/study/efficacy/plots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/study/efficacy/study_results.h"

namespace lehr {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Plots, EvenTicksAreRound) {
  EXPECT_THAT(EvenTicks(2300), ElementsAre(0, 500, 1000, 1500, 2000));
  EXPECT_THAT(EvenTicks(100), ElementsAre(0, 20, 40, 60, 80, 100));
  EXPECT_THAT(EvenTicks(0.19), ElementsAre(0, DoubleNear(0.05, 1e-12), DoubleNear(0.1, 1e-12),
                                           DoubleNear(0.15, 1e-12)));
}

TEST(Plots, LogTicksAreRound) {
  EXPECT_THAT(LogTicks(8, 2500), ElementsAre(10, 20, 50, 100, 200, 500, 1000, 2000));
  EXPECT_THAT(LogTicks(900, 3500), ElementsAre(1000, 1500, 2000, 3000));
}

TEST(Plots, RescueCurvesNameTheArmsOfTheTask) {
  std::vector<TrialResult> results = ResultsOf("xor-paper", "restart (window 5)", {100, 2000});
  Add(ResultsOf("digits-deep", "literal (base 1)", {100}), results);
  const std::vector<Row> rows = RowsOf(results);
  const std::string svg = RescueCurves(rows, *rows[0].task);
  EXPECT_THAT(svg, HasSubstr("restart (window 5)"));
  EXPECT_THAT(svg, ::testing::Not(HasSubstr("literal")));
  EXPECT_THAT(svg, HasSubstr(">100</text>"));
  EXPECT_THAT(svg, HasSubstr(">2k</text>"));
}

TEST(Plots, ThereIsNothingToShowWhereNoRunGotThere) {
  const std::vector<Row> rows = RowsOf(ResultsOf("xor-paper", "none", {-1}));
  EXPECT_EQ(RescueCurves(rows, *rows[0].task), "");
  EXPECT_EQ(TracePlot({}, "nothing"), "");
}

// The first step is number 0, which has no logarithm.
TEST(Plots, AGoalAtTheFirstStepIsDrawn) {
  const std::vector<Row> rows = RowsOf(ResultsOf("xor-paper", "none", {0}));
  const std::string svg = RescueCurves(rows, *rows[0].task);
  EXPECT_NE(svg, "");
  EXPECT_THAT(svg, ::testing::Not(HasSubstr("nan")));
  EXPECT_THAT(svg, ::testing::Not(HasSubstr("inf")));
}

}  // namespace
}  // namespace lehr
