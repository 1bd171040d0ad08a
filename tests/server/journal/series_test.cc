// The course of a run in condensed form, against the decisions one by one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/journal/journal.h"
#include "server/journal/journal_check.h"
#include "server/journal/series_plan.h"
#include "tests/server/journal/journal_testing.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::Decision Measured(int64_t step, double temperature, uint64_t generation = 1) {
  v1::Decision decision = MakeDecision(generation, step, temperature);
  decision.mutable_observation()->set_count(4);
  decision.mutable_observation()->set_mean(temperature / 2);
  decision.set_closed_unix_ns(1000 + step);
  return decision;
}

TEST(SeriesBucketTest, HoldsWhatADecisionMeasuredAndCommanded) {
  v1::Decision decision = Measured(/*step=*/7, /*temperature=*/3);
  decision.mutable_observation()->set_dead_examples(2);
  decision.mutable_observation()->set_p10(0.25);
  decision.mutable_observation()->set_p50(0.5);
  decision.mutable_observation()->set_p90(4);
  decision.mutable_observation()->set_tied_share(0.125);
  decision.add_actions()->mutable_restore()->set_id(1);
  decision.add_actions()->mutable_perturb()->set_stddev(0.25);
  decision.add_withheld()->mutable_snapshot()->set_id(2);
  const SeriesBucket bucket = BucketOf(decision);
  EXPECT_EQ(bucket.first_step, 7);
  EXPECT_EQ(bucket.last_step, 7);
  EXPECT_EQ(bucket.closed_unix_ns, 1007);
  EXPECT_EQ(bucket.quantities[SeriesBucket::kTemperature], (SeriesExtent{3, 3, 3}));
  EXPECT_EQ(bucket.quantities[SeriesBucket::kMean], (SeriesExtent{1.5, 1.5, 1.5}));
  EXPECT_EQ(bucket.quantities[SeriesBucket::kDeadExamples], (SeriesExtent{2, 2, 2}));
  EXPECT_EQ(bucket.quantities[SeriesBucket::kP10], (SeriesExtent{0.25, 0.25, 0.25}));
  EXPECT_EQ(bucket.quantities[SeriesBucket::kP50], (SeriesExtent{0.5, 0.5, 0.5}));
  EXPECT_EQ(bucket.quantities[SeriesBucket::kP90], (SeriesExtent{4, 4, 4}));
  EXPECT_EQ(bucket.quantities[SeriesBucket::kTiedShare], (SeriesExtent{0.125, 0.125, 0.125}));
  EXPECT_EQ(bucket.stddev, (SeriesExtent{0.25, 0.25, 0.25}));
  EXPECT_EQ(bucket.decisions, 1);
  EXPECT_EQ(bucket.measured, 1);
  EXPECT_EQ(bucket.acted, 1);
  EXPECT_EQ(bucket.withheld, 1);
  EXPECT_EQ(bucket.restores, 1);
  EXPECT_EQ(bucket.perturbations, 1);
  EXPECT_EQ(bucket.snapshots, 0);
}

TEST(SeriesBucketTest, AnIdentityChangesParametersAndALearningRateDoesNot) {
  v1::Decision identity = Measured(/*step=*/0, /*temperature=*/3);
  identity.add_actions()->mutable_identity();
  v1::Decision cools = Measured(/*step=*/1, /*temperature=*/3);
  cools.add_actions()->mutable_learning_rate()->set_factor(0.1f);
  SeriesBucket bucket = BucketOf(identity);
  EXPECT_EQ(bucket.identities, 1);
  EXPECT_EQ(bucket.learning_rates, 0);
  EXPECT_EQ(bucket.acted, 1);
  EXPECT_EQ(BucketOf(cools).learning_rates, 1);
  EXPECT_EQ(BucketOf(cools).acted, 0);
  Merge(BucketOf(cools), bucket);
  EXPECT_EQ(bucket.identities, 1);
  EXPECT_EQ(bucket.learning_rates, 1);
  EXPECT_EQ(bucket.acted, 1);
}

TEST(SeriesBucketTest, WhatMeasuredNothingPullsNothingDown) {
  SeriesBucket bucket = BucketOf(Measured(0, 3));
  Merge(BucketOf(MakeDecision(1, 1, /*temperature=*/0)), bucket);
  EXPECT_EQ(bucket.quantities[SeriesBucket::kTemperature], (SeriesExtent{3, 3, 3}));
  EXPECT_EQ(bucket.decisions, 2);
  EXPECT_EQ(bucket.measured, 1);
  SeriesBucket other = BucketOf(MakeDecision(1, 0, /*temperature=*/0));
  Merge(BucketOf(Measured(1, 3)), other);
  EXPECT_EQ(other.quantities[SeriesBucket::kTemperature], (SeriesExtent{3, 3, 3}));
}

TEST(SeriesBucketTest, TheLastValueIsThatOfTheLastStepWhateverTheOrder) {
  SeriesBucket ascending = BucketOf(Measured(0, 3));
  Merge(BucketOf(Measured(1, 1)), ascending);
  SeriesBucket descending = BucketOf(Measured(1, 1));
  Merge(BucketOf(Measured(0, 3)), descending);
  EXPECT_EQ(ascending, descending);
  EXPECT_EQ(ascending.quantities[SeriesBucket::kTemperature], (SeriesExtent{1, 3, 1}));
  EXPECT_EQ(ascending.closed_unix_ns, 1001);
}

TEST(SeriesBucketTest, SurvivesItsRow) {
  SeriesBucket bucket = BucketOf(Measured(5, 3));
  bucket.stddev = {0, 2, 1};
  bucket.snapshots = 4;
  bucket.identities = 5;
  bucket.learning_rates = 6;
  EXPECT_EQ(FromRecord(ToRecord(bucket)), bucket);
}

TEST(SeriesBucketTest, FoldsBetweenMultiplesOfAPowerOfTwo) {
  std::vector<SeriesBucket> buckets;
  for (int64_t step = 3; step < 12; ++step) {
    buckets.push_back(BucketOf(Measured(step, 1)));
  }
  std::vector<int64_t> first_steps;
  for (const SeriesBucket& bucket : Folded(buckets, /*points=*/4)) {
    first_steps.push_back(bucket.first_step);
  }
  EXPECT_THAT(first_steps, ElementsAre(3, 4, 8));
  EXPECT_EQ(Folded(buckets, 9), buckets);
  EXPECT_THAT(Folded(buckets, 1), SizeIs(1));
}

std::string Describe(const std::vector<SeriesRows>& plan) {
  std::string text;
  for (const SeriesRows& part : plan) {
    absl::StrAppend(&text, part.level, ":[", part.from, ",", part.end, ") ");
  }
  return text;
}

TEST(SeriesPlanTest, ReadsDecisionsWhereTheyAreFew) {
  EXPECT_EQ(Describe(PlanSeries({0, 999}, 0, 1'000'000, 1000)), "0:[0,1000) ");
  EXPECT_EQ(Describe(PlanSeries({10, 999}, 20, 29, 1000)), "0:[20,30) ");
}

// 4 points read at most 16 rows: 128 steps are as many blocks of 8.
TEST(SeriesPlanTest, ReadsBucketsInTheMiddleAndDecisionsAtTheEnds) {
  EXPECT_EQ(Describe(PlanSeries({0, 1000}, 5, 132, 4)), "0:[5,8) 1:[8,128) 0:[128,133) ");
  EXPECT_EQ(Describe(PlanSeries({0, 1000}, 5, 133, 4)), "0:[5,8) 1:[8,128) 0:[128,134) ");
  EXPECT_EQ(Describe(PlanSeries({0, 1000}, 60, 330, 4)),
            "0:[60,64) 2:[64,320) 1:[320,328) 0:[328,331) ");
}

// 1000 lies in the block [1000, 1008), which is open, and in [960, 1024).
TEST(SeriesPlanTest, OpenBlocksAreReadFromTheLevelBelow) {
  EXPECT_EQ(Describe(PlanSeries({0, 1000}, 0, 1000, 4)), "2:[0,960) 1:[960,1000) 0:[1000,1001) ");
}

// Nothing beyond it has closed it.
TEST(SeriesPlanTest, ABlockThatIsJustFullIsStillOpen) {
  EXPECT_EQ(Describe(PlanSeries({0, 1023}, 0, 1023, 4)), "2:[0,960) 1:[960,1016) 0:[1016,1024) ");
}

TEST(SeriesPlanTest, NothingOutsideOfTheSpan) {
  EXPECT_THAT(PlanSeries({10, 20}, 21, 100, 4), IsEmpty());
  EXPECT_THAT(PlanSeries({10, 20}, 0, 9, 4), IsEmpty());
}

class SeriesTest : public JournalTest {
 protected:
  SeriesTest() { journal_->AppendRun(MakeRun("run")); }

  void Decide(const v1::Decision& decision) {
    journal_->AppendDecision("run", decision, "");
    decisions_[decision.step()] = decision;
  }

  std::vector<SeriesBucket> Series(int64_t from, int64_t to, uint32_t points) {
    Flush();
    const auto series =
        journal_->ReadSeries({.run_id = "run", .from_step = from, .to_step = to, .points = points});
    EXPECT_TRUE(series.ok()) << series.status();
    return *series;
  }

  // Each bucket must be what its decisions say, one by one, and no decision may be missing.
  void ExpectExact(int64_t from, int64_t to, uint32_t points) {
    const std::vector<SeriesBucket> series = Series(from, to, points);
    EXPECT_LE(series.size(), points);
    auto decision = decisions_.lower_bound(from);
    for (const SeriesBucket& bucket : series) {
      SeriesExtent extent = {.min = 1e300, .max = -1};
      uint32_t count = 0;
      ASSERT_NE(decision, decisions_.end());
      EXPECT_EQ(bucket.first_step, decision->first);
      for (; decision != decisions_.end() && decision->first <= bucket.last_step; ++decision) {
        const double temperature = decision->second.observation().temperature();
        extent = {.min = std::min(extent.min, temperature),
                  .max = std::max(extent.max, temperature),
                  .last = temperature};
        EXPECT_EQ(bucket.closed_unix_ns >= decision->second.closed_unix_ns(), true);
        ++count;
      }
      EXPECT_EQ(bucket.quantities[SeriesBucket::kTemperature], extent) << bucket.first_step;
      EXPECT_EQ(bucket.decisions, count);
    }
    EXPECT_TRUE(decision == decisions_.end() || decision->first > to);
  }

  std::map<int64_t, v1::Decision> decisions_;
  std::mt19937_64 random_{11};
};

TEST_F(SeriesTest, OfAnUnknownRunIsNotFound) {
  Flush();
  EXPECT_EQ(journal_->ReadSeries({.run_id = "other"}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(SeriesTest, OfAGenerationThatNeverWasIsEmpty) {
  Decide(Measured(0, 1));
  Flush();
  EXPECT_THAT(*journal_->ReadSeries({.run_id = "run", .generation = 9}), IsEmpty());
}

TEST_F(SeriesTest, ASingleDecisionIsItsBucket) {
  Decide(Measured(0, 3));
  EXPECT_THAT(Series(0, 0, 1), ElementsAre(BucketOf(Measured(0, 3))));
}

TEST_F(SeriesTest, OneSpikeAmongManyIsInEveryRangeAroundIt) {
  for (int64_t step = 0; step < 5000; ++step) {
    Decide(Measured(step, step == 3210 ? 99 : 1));
  }
  for (const uint32_t points : {1, 2, 10, 1000, 4000}) {
    double most = 0;
    for (const SeriesBucket& bucket : Series(0, 4999, points)) {
      most = std::max(most, bucket.quantities[SeriesBucket::kTemperature].max);
    }
    EXPECT_EQ(most, 99) << points;
  }
}

// Whatever the gaps between steps, the order of late ones and the restarts.
TEST_F(SeriesTest, AnyRangeIsWhatItsDecisionsAre) {
  int64_t step = 1234;
  std::vector<int64_t> left_out;
  for (int i = 0; i < 3000; ++i) {
    step += random_() % 50 == 0 ? 100 + static_cast<int64_t>(random_() % 1000) : 1;
    const double temperature = static_cast<double>(random_() % 1000);
    if (random_() % 40 == 0) {
      left_out.push_back(step);
    } else {
      Decide(Measured(step, temperature));
    }
    if (!left_out.empty() && random_() % 100 == 0) {
      Decide(Measured(left_out.back(), temperature));
      left_out.pop_back();
    }
    if (random_() % 300 == 0) {
      Flush();
      Crash();
    }
  }
  for (int i = 0; i < 60; ++i) {
    const int64_t from = static_cast<int64_t>(random_() % static_cast<uint64_t>(step + 100));
    const int64_t to = from + static_cast<int64_t>(random_() % (i % 2 == 0 ? 300 : 100'000));
    ExpectExact(from, to, 1 + static_cast<uint32_t>(random_() % (i % 3 == 0 ? 5 : 300)));
  }
  ExpectExact(0, step, 1);
  LEHR_ASSERT_OK(journal_->Close(Soon()));
  journal_.reset();
  LEHR_ASSERT_OK(CheckJournal(data_dir()).status());
}

// An older generation keeps what was open when the next one began.
TEST_F(SeriesTest, GenerationsAreApart) {
  for (int64_t step = 0; step < 100; ++step) {
    Decide(Measured(step, 1));
  }
  journal_->AppendDecision("run", Measured(0, 50, /*generation=*/2), "");
  ExpectExact(0, 99, 3);
  EXPECT_THAT(*journal_->ReadSeries({.run_id = "run", .generation = 2}), SizeIs(1));
}

// The same decision again, as ranks bring it back, counts once.
TEST_F(SeriesTest, ADecisionCountsOnce) {
  Decide(Measured(0, 1));
  Decide(Measured(0, 1));
  EXPECT_EQ(Series(0, 0, 1)[0].decisions, 1);
}

}  // namespace
}  // namespace lehr
