// lehr-train under a real supervisor in both scopes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/finished_program.h"
#include "tests/server/lehrd_fixture.h"

namespace lehr {
namespace {

class ScopeTest : public LehrdTest {
 protected:
  // The history of a run of its own. What lehr-train printed is in `printed_`.
  std::vector<v1::HistoryEntry> Train(const std::string& run, const std::string& flags) {
    const FinishedProgram program = RunProgram(
        LEHR_TRAIN_BINARY,
        absl::StrCat(flags, " --run=", run, " --supervisor=127.0.0.1:", server_->port()));
    EXPECT_EQ(program.code, 0) << program.output;
    printed_ = program.output;
    return History(run);
  }

  std::string printed_;
};

// Each step has all four examples, so the batch is the data set. It acts, so that what one scope
// measured otherwise would change what it measures next.
TEST_F(ScopeTest, OnFullBatchesOfXorBothScopesDecideAlike) {
  Start();
  const std::string flags = "--task=xor-relu-sum --seed=2 --steps=60 --stop_loss=0";
  const std::vector<v1::HistoryEntry> batch = Train("b", flags + " --scope=batch");
  const std::vector<v1::HistoryEntry> dataset = Train("d", flags + " --scope=dataset");
  EXPECT_EQ(DescribeRun("d").settings().dataset_examples(), 4u);
  ASSERT_EQ(batch.size(), 60u);
  ASSERT_EQ(dataset.size(), 60u);
  int acted = 0;
  for (size_t i = 0; i < batch.size(); ++i) {
    const v1::Decision& of_batch = batch[i].decision();
    const v1::Decision& of_dataset = dataset[i].decision();
    EXPECT_EQ(of_dataset.observation().coverage(), 1);
    v1::Observation same = of_dataset.observation();
    same.clear_coverage();
    same.clear_dead_examples();
    same.clear_dead();
    EXPECT_EQ(same.SerializeAsString(), of_batch.observation().SerializeAsString())
        << "entry " << i;
    ASSERT_EQ(of_dataset.actions_size(), of_batch.actions_size());
    if (of_batch.actions_size() > 0) {
      EXPECT_EQ(of_dataset.actions(0).perturb().stddev(), of_batch.actions(0).perturb().stddev());
      ++acted;
    }
  }
  EXPECT_GT(acted, 0);
}

// reheat keeps the best state of a healthy run again and again: these commands change nothing.
TEST_F(ScopeTest, ASnapshotIsNotCountedAsAPerturbation) {
  Start();
  const std::vector<v1::HistoryEntry> history =
      Train("h", "--task=digits --steps=200 --policy=reheat");
  int snapshots = 0;
  for (const v1::HistoryEntry& entry : history) {
    for (const v1::Action& action : entry.decision().actions()) {
      ASSERT_FALSE(action.has_perturb());
      snapshots += action.has_snapshot() ? 1 : 0;
    }
  }
  EXPECT_GT(snapshots, 0);
  EXPECT_THAT(printed_, ::testing::HasSubstr("perturbations 0"));
}

// Spirals come in batches: the first ones do not cover the data set.
TEST_F(ScopeTest, BatchesWarmUpUntilTheDataSetIsKnown) {
  Start();
  const std::vector<v1::HistoryEntry> history =
      Train("s", "--task=spirals --steps=40 --stop_loss=0 --scope=dataset");
  ASSERT_EQ(history.size(), 40u);
  const uint64_t examples = DescribeRun("s").settings().dataset_examples();
  bool was_warm = false;
  for (const v1::HistoryEntry& entry : history) {
    const v1::Observation& observation = entry.decision().observation();
    EXPECT_EQ(observation.coverage(),
              static_cast<double>(observation.count()) / static_cast<double>(examples));
    const bool warm = entry.decision().reason().code() != v1::Reason::CODE_WARMING_UP;
    EXPECT_EQ(warm, observation.coverage() >= 0.95);
    was_warm |= warm;
  }
  EXPECT_EQ(history[0].decision().reason().code(), v1::Reason::CODE_WARMING_UP);
  EXPECT_TRUE(was_warm);
}

}  // namespace
}  // namespace lehr
