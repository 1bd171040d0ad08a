// Streams of ranks whose run is measured over its data set.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/lehrd_fixture.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

using SuperviseDatasetTest = LehrdTest;

// A join of a run over four examples.
v1::Join OfDataset(v1::Join join, uint64_t examples = 4) {
  join.mutable_settings()->set_scope(v1::LOSS_SCOPE_DATASET);
  join.mutable_settings()->set_dataset_examples(examples);
  return join;
}

TEST_F(SuperviseDatasetTest, ADatasetIsMeasuredOverAllItsExamplesOnceTheyAreKnown) {
  Start();
  auto zero = Rank(OfDataset(JoinOf(0, 2)));
  auto one = Rank(OfDataset(JoinOf(1, 2)));
  EXPECT_EQ(zero->welcome().settings().scope(), v1::LOSS_SCOPE_DATASET);
  EXPECT_EQ(zero->welcome().settings().dataset_examples(), 4u);
  EXPECT_EQ(zero->welcome().settings().table_examples(), 1u << 20);
  // Both ranks have example 11: the sampler pads.
  zero->Report(0, {3, 0}, {10, 11});
  one->Report(0, {0, 0}, {11, 12});
  const v1::Decision cold = zero->NextDecision();
  EXPECT_EQ(cold.reason().code(), v1::Reason::CODE_WARMING_UP);
  EXPECT_EQ(cold.reason().value(), 0.75);
  EXPECT_EQ(cold.observation().count(), 3u);
  EXPECT_EQ(cold.actions_size(), 0);
  one->NextDecision();
  zero->Report(1, {0}, {11});
  one->Report(1, {0}, {13});
  const v1::Decision warm = zero->NextDecision();
  EXPECT_EQ(warm.SerializeAsString(), one->NextDecision().SerializeAsString());
  EXPECT_EQ(warm.observation().coverage(), 1);
  EXPECT_EQ(warm.observation().count(), 4u);
  EXPECT_DOUBLE_EQ(warm.observation().temperature(), 3);
  EXPECT_EQ(warm.observation().highest(0).example_id(), 10u);
  EXPECT_EQ(warm.actions(0).perturb().stddev(), 3);
}

TEST_F(SuperviseDatasetTest, DeadExamplesAreShownWithTheirIdsAndCountedInAMetric) {
  Start();
  v1::Join join = OfDataset(JoinOf());
  join.mutable_settings()->mutable_policy()->set_observe(true);
  join.mutable_settings()->mutable_policy()->mutable_error_driven();
  auto rank = Rank(join);
  for (int64_t step = 0; step < 9; ++step) {
    rank->Report(step, {0.5f, 0, 0, 0.001f}, {41, 42, 43, 44});
    rank->NextDecision();
  }
  const v1::Observation observation = DescribeRun().observation();
  EXPECT_EQ(observation.dead_examples(), 1u);
  ASSERT_EQ(observation.dead_size(), 1);
  EXPECT_EQ(observation.dead(0).example_id(), 41u);
  EXPECT_EQ(observation.dead(0).loss(), 0.5f);
  EXPECT_EQ(History().at(8).decision().observation().SerializeAsString(),
            observation.SerializeAsString());
  EXPECT_THAT(metrics_->Serialize(), HasSubstr("lehr_run_dead_examples{run=\"digits\"} 1\n"));
}

// The journal keeps the settings, but no losses of examples.
TEST_F(SuperviseDatasetTest, AfterARestartADatasetWarmsUpAgain) {
  Start();
  auto rank = Rank(OfDataset(JoinOf()));
  rank->Report(0, {3, 0, 0, 0}, {1, 2, 3, 4});
  EXPECT_EQ(rank->NextDecision().actions_size(), 1);
  Stop();
  Start();
  v1::Join again = OfDataset(JoinOf());
  again.set_generation(1);
  again.set_highest_step(0);
  rank = Rank(again);
  EXPECT_EQ(rank->welcome().settings().dataset_examples(), 4u);
  rank->Report(1, {3, 0}, {1, 2});
  const v1::Decision cold = rank->NextDecision();
  EXPECT_EQ(cold.reason().code(), v1::Reason::CODE_WARMING_UP);
  EXPECT_EQ(cold.observation().coverage(), 0.5);
  rank->Report(2, {0, 0}, {3, 4});
  EXPECT_EQ(rank->NextDecision().actions_size(), 1);
}

TEST_F(SuperviseDatasetTest, LossesOfADatasetWithoutIdsAreRefusedAndTheStreamLives) {
  Start();
  auto rank = Rank(OfDataset(JoinOf()));
  rank->Report(0, HotLosses());
  const v1::SuperviseResponse refusal = rank->Next();
  EXPECT_EQ(refusal.refused().code(), v1::Refused::CODE_INVALID);
  EXPECT_THAT(refusal.refused().message(), HasSubstr("2 losses and no example ids"));
  rank->Report(0, HotLosses(), {1, 2});
  EXPECT_EQ(rank->NextDecision().step(), 0);
}

TEST_F(SuperviseDatasetTest, TheSameLossesOfOtherExamplesAreAConflict) {
  Start();
  auto zero = Rank(OfDataset(JoinOf(0, 2)));
  auto one = Rank(OfDataset(JoinOf(1, 2)));
  zero->Report(0, {3, 0}, {1, 2});
  zero->Report(0, {3, 0}, {2, 1});
  EXPECT_EQ(zero->Next().refused().code(), v1::Refused::CODE_CONFLICT);
  one->Report(0, {0, 0}, {3, 4});
  EXPECT_EQ(zero->NextDecision().observation().highest(0).example_id(), 1u);
}

TEST_F(SuperviseDatasetTest, ADatasetWithoutASizeLeavesNoRunBehind) {
  Start();
  const grpc::Status status = TestRank(channel_, OfDataset(JoinOf(), 0)).AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("dataset_examples is 0"));
  EXPECT_EQ(supervisor_->ListRuns({})->runs_size(), 0);
}

}  // namespace
}  // namespace lehr
