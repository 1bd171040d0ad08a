#include "tests/study/efficacy/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/study/efficacy/study_results.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

// Wilson's interval for 1 of 2: 9.45 to 90.5 % (R: prop.test(1, 2, correct = FALSE)).
TEST(Report, HasALineForEachArm) {
  const std::string report = Report(RowsOf(ResultsOf("xor-paper", "none", {10, -1})));
  EXPECT_THAT(report, HasSubstr("| the paper's XOR | none | 2 | 50 | 50 (9.45–90.5) | 10 / never / "
                                "never | 0.875 | 0 | 0 | – |"));
}

TEST(Report, HealthyRunsHaveNoGoalAndAreComparedBitForBit) {
  std::vector<TrialResult> results = ResultsOf("digits-wide", "none", {1, 1});
  Add(ResultsOf("digits-wide", "reheat", {1, 1}), results);
  results[3].parameter_hash = 5;
  results[3].actions = 4;
  EXPECT_THAT(
      Report(RowsOf(results)),
      HasSubstr("| digits 64-128-64-10 | reheat | 2 | – | – | – | 1.000 | 2 | 1 | 1 of 2 |"));
}

// The processor's time is summed, that of the study is where the last run ended.
TEST(Report, SaysTheTimeThatItTook) {
  std::vector<TrialResult> results = ResultsOf("xor-paper", "none", {1, 1});
  results[0].cpu_seconds = 30;
  results[0].study_seconds = 40;
  results[1].cpu_seconds = 31;
  results[1].study_seconds = 35;
  EXPECT_THAT(Report(RowsOf(results)),
              HasSubstr("2 runs took 61 seconds of processor time, 40 seconds in all."));
}

TEST(Report, OfTheGridMarksTheBestSettingOfEachPolicy) {
  std::vector<TrialResult> results = ResultsOf("xor-paper", "restart (window 2)", {50, 90});
  Add(ResultsOf("xor-paper", "restart (window 3)", {60, 80}), results);
  Add(ResultsOf("xor-paper", "restart (window 5)", {1, -1}), results);
  const std::string report = TuningReport(RowsOf(results));
  EXPECT_THAT(report, HasSubstr("| restart (window 2) |"));
  EXPECT_THAT(report, HasSubstr("| **restart (window 3)** |"));
  EXPECT_THAT(report,
              HasSubstr("| restart (window 5) | 2 | 50 | 50 | 1 / never / never | 0.875 |"));
}

}  // namespace
}  // namespace lehr
