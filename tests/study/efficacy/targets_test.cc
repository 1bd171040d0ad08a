#include "tests/study/efficacy/targets.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/study/efficacy/study_results.h"

namespace lehr {
namespace {

// The target whose name begins so.
Target TargetOf(const std::vector<TrialResult>& results, const std::string& name) {
  const std::vector<Row> rows = RowsOf(results);
  for (const Target& target : CheckTargets(rows)) {
    if (target.name.rfind(name, 0) == 0) {
      return target;
    }
  }
  ADD_FAILURE() << "no target begins with " << name;
  return {};
}

TEST(Targets, AreNotMeasuredWithoutResults) {
  for (const Target& target : CheckTargets({})) {
    EXPECT_EQ(target.verdict, Verdict::kNotMeasured) << target.name;
    EXPECT_EQ(target.outcome, "") << target.name;
  }
}

TEST(Targets, CompareStepsWithRestarts) {
  std::vector<TrialResult> results = ResultsOf("xor-221-bce", "restart (window 5)", {100, 100});
  Add(ResultsOf("xor-221-bce", "reheat", {92, 100}), results);
  const Target half = TargetOf(results, "XOR 2-2-1, BCE: p50 at most 0.8 of restart's");
  EXPECT_EQ(half.outcome, "0.920 (92 against 100)");
  EXPECT_EQ(half.verdict, Verdict::kMissed);
  const Target tail = TargetOf(results, "XOR 2-2-1, BCE: p99");
  EXPECT_EQ(tail.outcome, "1.000 (100 against 100)");
  EXPECT_EQ(tail.verdict, Verdict::kMet);
}

TEST(Targets, NeverIsWorseThanAnyStep) {
  std::vector<TrialResult> results = ResultsOf("xor-paper", "restart (window 5)", {-1});
  Add(ResultsOf("xor-paper", "reheat", {7}), results);
  EXPECT_EQ(TargetOf(results, "the paper's XOR: p99").verdict, Verdict::kMet);
  results = ResultsOf("xor-paper", "restart (window 5)", {7});
  Add(ResultsOf("xor-paper", "reheat", {-1}), results);
  EXPECT_EQ(TargetOf(results, "the paper's XOR: p99").verdict, Verdict::kMissed);
  EXPECT_EQ(TargetOf(results, "the paper's XOR: p99").outcome, "never against 7");
}

TEST(Targets, ReachedIsToldFromThereAtTheEnd) {
  std::vector<TrialResult> results = ResultsOf("digits-deep", "reheat", {5, 5});
  results[0].ends_there = false;
  EXPECT_EQ(TargetOf(results, "digits 64-8×8-10: 100 % reach").verdict, Verdict::kMet);
  const Target at_end = TargetOf(results, "digits 64-8×8-10: 95 % are there");
  EXPECT_EQ(at_end.verdict, Verdict::kMissed);
  EXPECT_EQ(at_end.outcome, "50 % (1 of 2)");
}

// Seed 1 is stuck at 75 % without help, and again with it; seed 2 is freed.
TEST(Targets, StuckRunsAreThoseThatPlainTrainingLeaves) {
  std::vector<TrialResult> results = ResultsOf("xor-221-mse", "none", {5, -1, -1});
  Add(ResultsOf("xor-221-mse", "reheat", {5, -1, 9}), results);
  const Target target = TargetOf(results, "XOR runs that plain training leaves at 75 %");
  EXPECT_EQ(target.outcome, "50 % (1 of 2)");
  EXPECT_EQ(target.verdict, Verdict::kMissed);
}

TEST(Targets, HealthyRunsEndAsUntreatedOnes) {
  std::vector<TrialResult> results = ResultsOf("digits-wide", "none", {1, 1});
  Add(ResultsOf("digits-wide", "reheat", {1, 1}), results);
  EXPECT_EQ(TargetOf(results, "healthy runs on digits").verdict, Verdict::kMet);
  EXPECT_EQ(TargetOf(results, "healthy runs on digits").outcome,
            "0 of 2 touched, 2 of 2 identical");
  results[3].parameter_hash = 5;
  EXPECT_EQ(TargetOf(results, "healthy runs on digits").verdict, Verdict::kMissed);
  results[3].actions = 2;
  results[3].parameter_hash = 0;
  EXPECT_EQ(TargetOf(results, "healthy runs on digits").verdict, Verdict::kMissed);
  results[3].parameter_hash = 5;
  EXPECT_EQ(TargetOf(results, "healthy runs on digits").outcome,
            "1 of 2 touched, 1 of 2 identical; 1 on digits 64-128-64-10");
}

TEST(Targets, ItTakesUntreatedRunsToSeeThatTheyAreIdentical) {
  const std::vector<TrialResult> results = ResultsOf("digits-wide", "reheat", {1});
  EXPECT_EQ(TargetOf(results, "healthy runs on digits").verdict, Verdict::kNotMeasured);
}

TEST(Targets, NameThePeersThatAreBetter) {
  std::vector<TrialResult> results =
      ResultsOf("xor-paper", "restart (window 5)", std::vector<int64_t>(20, 1));
  Add(ResultsOf("xor-paper", "reheat", std::vector<int64_t>(20, 2)), results);
  const Target target = TargetOf(results, "no peer is better");
  EXPECT_EQ(target.outcome, "better: restart (window 5) on the paper's XOR");
  EXPECT_EQ(target.verdict, Verdict::kMissed);
}

}  // namespace
}  // namespace lehr
