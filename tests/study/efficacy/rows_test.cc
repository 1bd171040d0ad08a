#include "tests/study/efficacy/rows.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/study/efficacy/study_results.h"

namespace lehr {
namespace {

TEST(Rows, ComeByTaskThenByPolicy) {
  std::vector<TrialResult> results = ResultsOf("digits-deep", "none", {1});
  Add(ResultsOf("xor-paper", "reheat", {1}), results);
  Add(ResultsOf("xor-paper", "restart (window 5)", {1}), results);
  Add(ResultsOf("xor-paper", "restart (window 2)", {1}), results);
  const std::vector<Row> rows = RowsOf(results);
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].arm, "restart (window 5)");
  EXPECT_EQ(rows[1].arm, "restart (window 2)");
  EXPECT_EQ(rows[2].arm, "reheat");
  EXPECT_EQ(rows[3].task->name, "digits-deep");
}

TEST(Rows, HaveTrialsInTheOrderOfTheirSeeds) {
  std::vector<TrialResult> results = ResultsOf("xor-paper", "none", {1, 2});
  std::swap(results[0], results[1]);
  EXPECT_EQ(RowsOf(results)[0].trials[0].seed, 0U);
}

TEST(Rows, AreFoundByTheirPolicy) {
  const std::vector<Row> rows = RowsOf(ResultsOf("xor-paper", "restart (window 5)", {1}));
  EXPECT_EQ(PolicyOf(rows[0]), "restart");
  EXPECT_EQ(Find(rows, "xor-paper", "restart"), rows.data());
  EXPECT_EQ(Find(rows, "xor-paper", "none"), nullptr);
  EXPECT_EQ(Find(rows, "digits-deep", "restart"), nullptr);
}

// Sorted: 10, 20, 30, endless.
TEST(Rows, QuantilesCountEndlessRuns) {
  const std::vector<Row> rows = RowsOf(ResultsOf("xor-paper", "none", {30, -1, 10, 20}));
  EXPECT_EQ(StepsQuantile(rows[0], 0.5), 20);
  EXPECT_EQ(StepsQuantile(rows[0], 0.75), 30);
  EXPECT_EQ(StepsQuantile(rows[0], 0.99), -1);
}

TEST(Rows, TwinsHaveTheSameSeedAndBits) {
  std::vector<TrialResult> results = ResultsOf("digits-wide", "none", {1, 1, 1});
  results[0].parameter_hash = 7;
  results[1].parameter_hash = 8;
  results[2].parameter_hash = 9;
  Add(ResultsOf("digits-wide", "reheat", {1, 1}), results);
  results[3].parameter_hash = 7;
  results[4].parameter_hash = 9;
  const std::vector<Row> rows = RowsOf(results);
  const Twins twins = TwinsOf(rows[0], rows[1]);
  EXPECT_EQ(twins.pairs, 2);
  EXPECT_EQ(twins.identical, 1);
}

}  // namespace
}  // namespace lehr
