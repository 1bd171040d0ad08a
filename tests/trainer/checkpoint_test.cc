#include "trainer/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/temporary_folder.h"
#include "trainer/initialization.h"
#include "trainer/result.h"
#include "trainer/tasks.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

const CheckpointIdentity kIdentity = {{"task", "spirals"}, {"architecture", "2-8-2"}};
const TrainingState kState = {.step = 12,
                              .best_train_accuracy = 1.0 / 3,
                              .best_test_accuracy = 0.1,
                              .perturbations_applied = 3,
                              .generation = uint64_t{1} << 63,
                              .last_applied_step = 11};

// A network with an optimizer, which other seeds and calls of Train leave in other states.
struct TrainingRun {
  explicit TrainingRun(OptimizerKind kind, uint64_t seed = 1)
      : optimizer({.kind = kind, .learning_rate = 0.05, .momentum = 0.9}, model.tensors()) {
    Initialize(InitialValues::kTorch, seed, model.tensors());
  }

  absl::Status TrainTo(int64_t steps, const TrainingHooks& hooks = {}) {
    return Train({.steps = steps,
                  .batch_size = 30,
                  .seed = 1,
                  .evaluate_every = 1000,
                  .checkpoint_every = 10},
                 data, model, optimizer, hooks, state)
        .status();
  }
  absl::Status Save(const std::string& path) {
    return SaveCheckpoint(path, kIdentity, model.tensors(), optimizer, state);
  }
  absl::Status Load(const std::string& path, const CheckpointIdentity& identity = kIdentity) {
    return LoadCheckpoint(path, identity, model.tensors(), optimizer, state);
  }
  std::string Checksum() { return ParameterChecksum(model.tensors()); }

  Dataset data = LoadData(Task::kSpirals, {}).value();
  Mlp model{{.inputs = 2, .hidden = {8}, .outputs = 2}, /*max_rows=*/256};
  Optimizer optimizer;
  TrainingState state;
};

class CheckpointTest : public ::testing::TestWithParam<OptimizerKind> {
 protected:
  const TemporaryFolder folder_;
  const std::string path_ = folder_.Path("checkpoint");
};

TEST_P(CheckpointTest, BringsEverythingBack) {
  TrainingRun saved(GetParam());
  ASSERT_TRUE(saved.TrainTo(7).ok());
  saved.state = kState;
  ASSERT_TRUE(saved.Save(path_).ok());
  TrainingRun loaded(GetParam(), /*seed=*/2);
  ASSERT_TRUE(loaded.Load(path_).ok());
  EXPECT_EQ(loaded.state, kState);
  EXPECT_EQ(loaded.Checksum(), saved.Checksum());
  for (size_t i = 0; i < saved.optimizer.states().size(); ++i) {
    EXPECT_EQ(loaded.optimizer.states()[i].first_moment, saved.optimizer.states()[i].first_moment);
    EXPECT_EQ(loaded.optimizer.states()[i].second_moment,
              saved.optimizer.states()[i].second_moment);
    EXPECT_EQ(loaded.optimizer.states()[i].steps, saved.optimizer.states()[i].steps);
  }
}

// 200 examples in batches of 30: step 10 is in the middle of the second epoch.
TEST_P(CheckpointTest, AResumedRunEndsWithTheSameBits) {
  TrainingRun uninterrupted(GetParam());
  ASSERT_TRUE(uninterrupted.TrainTo(25).ok());
  TrainingRun first(GetParam());
  ASSERT_TRUE(first.TrainTo(10).ok());
  ASSERT_TRUE(first.Save(path_).ok());
  TrainingRun second(GetParam(), /*seed=*/2);
  ASSERT_TRUE(second.Load(path_).ok());
  ASSERT_TRUE(second.TrainTo(25).ok());
  EXPECT_EQ(second.Checksum(), uninterrupted.Checksum());
  EXPECT_NE(second.Checksum(), first.Checksum());
}

// The process dies after step 17 with a checkpoint of step 10.
TEST_P(CheckpointTest, ARunResumedFromAnOlderCheckpointEndsWithTheSameBits) {
  TrainingRun uninterrupted(GetParam());
  ASSERT_TRUE(uninterrupted.TrainTo(25).ok());
  TrainingRun killed(GetParam());
  const absl::Status death = killed.TrainTo(
      25, {.after_step = [](const FinishedStep& step) -> absl::StatusOr<StepOutcome> {
             return step.step == 17 ? absl::StatusOr<StepOutcome>(absl::AbortedError("killed"))
                                    : StepOutcome();
           },
           .before_pause = {},
           .save_checkpoint = [this, &killed](const TrainingState&) { return killed.Save(path_); },
           .progress = {}});
  EXPECT_EQ(death.code(), absl::StatusCode::kAborted);
  TrainingRun resumed(GetParam(), /*seed=*/2);
  ASSERT_TRUE(resumed.Load(path_).ok());
  EXPECT_EQ(resumed.state.step, 10);
  ASSERT_TRUE(resumed.TrainTo(25).ok());
  EXPECT_EQ(resumed.Checksum(), uninterrupted.Checksum());
}

TEST_P(CheckpointTest, RefusesAnotherTaskAndChangesNothing) {
  TrainingRun saved(GetParam());
  ASSERT_TRUE(saved.TrainTo(7).ok());
  ASSERT_TRUE(saved.Save(path_).ok());
  TrainingRun other(GetParam(), /*seed=*/2);
  const std::string before = other.Checksum();
  const absl::Status status = other.Load(path_, {{"task", "digits"}, {"architecture", "2-8-2"}});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(path_ + ": its task is spirals, not digits"));
  EXPECT_EQ(other.Checksum(), before);
  EXPECT_EQ(other.state, TrainingState());
}

TEST_P(CheckpointTest, RefusesAnotherArchitecture) {
  TrainingRun saved(GetParam());
  ASSERT_TRUE(saved.Save(path_).ok());
  const absl::Status status = saved.Load(path_, {{"architecture", "2-9-2"}});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("its architecture is 2-8-2, not 2-9-2"));
}

TEST_P(CheckpointTest, RefusesATruncatedFile) {
  TrainingRun saved(GetParam());
  ASSERT_TRUE(saved.Save(path_).ok());
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - 1);
  const absl::Status status = saved.Load(path_);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path_ + ": truncated or corrupt"));
}

INSTANTIATE_TEST_SUITE_P(All, CheckpointTest,
                         ::testing::Values(OptimizerKind::kSgd, OptimizerKind::kAdam),
                         [](const auto& info) {
                           return info.param == OptimizerKind::kSgd ? "Sgd" : "Adam";
                         });

TEST(Checkpoint, NamesAMissingFile) {
  TrainingRun run(OptimizerKind::kSgd);
  const absl::Status status = run.Load("/does/not/exist");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/does/not/exist"));
}

TEST(Checkpoint, RefusesATensorFileOfAnotherKind) {
  const TemporaryFolder folder;
  TrainingRun run(OptimizerKind::kSgd);
  const absl::Status status = run.Load(folder.Write("a", std::string(8, '\0') + "{}"));
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace lehr
