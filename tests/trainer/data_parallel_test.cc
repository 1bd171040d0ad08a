// The training loop with several ranks, which are threads here: the same as with one.
#include <gtest/gtest.h>

#include <barrier>
#include <cmath>
#include <limits>
#include <thread>

#include "trainer/initialization.h"
#include "trainer/tasks.h"
#include "trainer/training.h"

namespace lehr {
namespace {

constexpr int64_t kBatch = 48;

// An all-reduce through memory, which adds in the order of the ranks.
class ThreadRanks {
 public:
  explicit ThreadRanks(int ranks) : values_(ranks), totals_(ranks), barrier_(ranks) {}

  void AllReduce(int rank, absl::Span<float> values, StepTotals& totals) {
    values_[rank].assign(values.begin(), values.end());
    totals_[rank] = totals;
    barrier_.arrive_and_wait();
    std::copy(values_[0].begin(), values_[0].end(), values.begin());
    totals = totals_[0];
    for (size_t other = 1; other < values_.size(); ++other) {
      for (size_t i = 0; i < values.size(); ++i) {
        values[i] += values_[other][i];
      }
      totals = Combine(totals, totals_[other]);
    }
    barrier_.arrive_and_wait();
  }

 private:
  std::vector<std::vector<float>> values_;
  std::vector<StepTotals> totals_;
  std::barrier<> barrier_;
};

// What one rank saw.
struct RankRun {
  // Of each step.
  std::vector<std::vector<float>> losses;
  std::vector<std::vector<uint64_t>> example_ids;
  std::vector<FinishedStep> finished;
  // Of the last step, summed over the ranks.
  std::vector<float> gradients;
  std::vector<float> parameters;
  TrainingState state;
  absl::StatusOr<TrainingOutcome> outcome = absl::UnknownError("did not run");
};

struct Job {
  Dataset data = LoadData(Task::kSpirals, {}).value();
  TrainingSettings settings = {.steps = 7, .batch_size = kBatch, .evaluate_every = 1000};
  std::vector<int64_t> hidden = {16, 16};
  // The hash of the command that each rank holds, by rank.
  std::vector<uint64_t> commands = {};
  // Only this rank is asked to stop, in this step.
  int stopped_rank = -1;
  int64_t stopped_step = 0;
};

RankRun RunRank(const Job& job, int rank, int ranks, ThreadRanks& all) {
  RankRun run;
  Mlp model({.inputs = 2, .hidden = job.hidden, .outputs = 2}, /*max_rows=*/256);
  Initialize(InitialValues::kTorch, /*seed=*/1, model.tensors());
  Optimizer optimizer({.learning_rate = 0.1, .momentum = 0.9}, model.tensors());
  std::atomic<bool> stop = false;
  TrainingSettings settings = job.settings;
  settings.share = {.rank = rank, .ranks = ranks};
  settings.stop_requested = &stop;
  TrainingHooks hooks;
  hooks.after_forward = [&](const StepLosses& step) {
    run.losses.emplace_back(step.losses.begin(), step.losses.end());
    run.example_ids.emplace_back(step.example_ids.begin(), step.example_ids.end());
    stop = rank == job.stopped_rank && step.step == job.stopped_step;
  };
  hooks.command_hash = [&] { return job.commands.empty() ? 0 : job.commands[rank]; };
  hooks.after_step = [&](const FinishedStep& step) -> absl::StatusOr<StepOutcome> {
    run.finished.push_back(step);
    run.gradients.assign(model.gradients().begin(), model.gradients().end());
    return StepOutcome();
  };
  if (ranks > 1) {
    hooks.all_reduce = [&](absl::Span<float> values, StepTotals& totals) {
      all.AllReduce(rank, values, totals);
    };
  }
  run.outcome = Train(settings, job.data, model, optimizer, hooks, run.state);
  for (const ModelTensor& tensor : model.tensors()) {
    run.parameters.insert(run.parameters.end(), tensor.values.begin(), tensor.values.end());
  }
  return run;
}

std::vector<RankRun> RunJob(const Job& job, int ranks) {
  ThreadRanks all(ranks);
  std::vector<RankRun> runs(ranks);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] { runs[rank] = RunRank(job, rank, ranks, all); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  return runs;
}

double Norm(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) {
    sum += static_cast<double>(value) * value;
  }
  return std::sqrt(sum);
}

double Distance(const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<float> difference(a.size());
  for (size_t i = 0; i < a.size(); ++i) {
    difference[i] = a[i] - b[i];
  }
  return Norm(difference);
}

class DataParallel : public ::testing::TestWithParam<int> {};

TEST_P(DataParallel, TheGradientsAreThoseOfOneRankUpToRounding) {
  Job job;
  job.settings.steps = 1;
  const RankRun alone = RunJob(job, 1)[0];
  ASSERT_GT(Norm(alone.gradients), 1e-3);
  for (const RankRun& run : RunJob(job, GetParam())) {
    EXPECT_LT(Distance(run.gradients, alone.gradients), 1e-6 * Norm(alone.gradients));
  }
}

// Over two epochs: the last batch of each is smaller, and its shares differ in size.
TEST_P(DataParallel, TheParametersAreThoseOfOneRankUpToRoundingAndAlike) {
  const Job job = {.settings = {.steps = 10, .batch_size = kBatch, .evaluate_every = 1000}};
  const RankRun alone = RunJob(job, 1)[0];
  const std::vector<RankRun> runs = RunJob(job, GetParam());
  for (const RankRun& run : runs) {
    EXPECT_LT(Distance(run.parameters, alone.parameters), 1e-5 * Norm(alone.parameters));
    EXPECT_EQ(run.parameters, runs[0].parameters);
  }
}

TEST_P(DataParallel, TheSharesOfABatchAreTheBatchOfOneRank) {
  const Job job;
  const RankRun alone = RunJob(job, 1)[0];
  const std::vector<RankRun> runs = RunJob(job, GetParam());
  for (size_t step = 0; step < alone.example_ids.size(); ++step) {
    std::vector<uint64_t> ids;
    for (const RankRun& run : runs) {
      const std::vector<uint64_t>& share = run.example_ids.at(step);
      EXPECT_EQ(run.losses.at(step).size(), share.size());
      ids.insert(ids.end(), share.begin(), share.end());
    }
    EXPECT_EQ(ids, alone.example_ids[step]);
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, DataParallel, ::testing::Values(2, 3, 4, 5));

TEST(DataParallelTest, RanksWithoutAShareReportNothingAndKeepUp) {
  const Job job = {.settings = {.steps = 5, .batch_size = 2, .evaluate_every = 1000}};
  const RankRun alone = RunJob(job, 1)[0];
  const std::vector<RankRun> runs = RunJob(job, 5);
  size_t empty = 0;
  for (const RankRun& run : runs) {
    EXPECT_EQ(run.losses.size(), 5);
    empty += run.example_ids[0].empty() ? 1 : 0;
    EXPECT_LT(Distance(run.parameters, alone.parameters), 1e-5 * Norm(alone.parameters));
  }
  EXPECT_EQ(empty, 3);
}

// Each rank's own mean is not below the limit at the same step as the batch's.
TEST(DataParallelTest, AllStopAtTheStepWhoseMeanOverAllRanksIsLow) {
  Job job;
  job.settings.steps = 100'000;
  job.settings.batch_size = 200;
  job.settings.stop_loss = 0.68;
  const RankRun alone = RunJob(job, 1)[0];
  ASSERT_EQ(alone.outcome->stop_reason, StopReason::kStopLoss);
  for (const RankRun& run : RunJob(job, 3)) {
    ASSERT_TRUE(run.outcome.ok());
    EXPECT_EQ(run.outcome->stop_reason, StopReason::kStopLoss);
    EXPECT_EQ(run.state.step, alone.state.step);
    EXPECT_TRUE(run.finished.back().is_last);
  }
}

TEST(DataParallelTest, AllStopAtTheStepInWhichOneIsAskedTo) {
  Job job;
  job.settings.steps = 100'000;
  job.stopped_rank = 1;
  job.stopped_step = 4;
  for (const RankRun& run : RunJob(job, 3)) {
    ASSERT_TRUE(run.outcome.ok());
    EXPECT_EQ(run.outcome->stop_reason, StopReason::kInterrupted);
    EXPECT_EQ(run.state.step, 5);
    EXPECT_TRUE(run.finished.back().is_last);
  }
}

TEST(DataParallelTest, EveryRankNamesTheExamplesWhoseLossIsNotFinite) {
  Job job;
  job.settings.batch_size = 200;
  job.data.train.inputs[2 * 3] = std::numeric_limits<float>::quiet_NaN();
  job.data.train.inputs[2 * 190] = std::numeric_limits<float>::quiet_NaN();
  for (const RankRun& run : RunJob(job, 4)) {
    ASSERT_TRUE(run.outcome.ok());
    EXPECT_EQ(run.outcome->stop_reason, StopReason::kLossNotFinite);
    EXPECT_EQ(run.outcome->message,
              "step 0: the loss of 2 of 200 examples is not finite: example 3 (nan), 190 (nan)");
    EXPECT_EQ(run.state.step, 0);
  }
}

TEST(DataParallelTest, EveryRankLearnsTheLeastAndTheGreatestCommand) {
  Job job;
  job.settings.steps = 1;
  job.commands = {7, 0, 9};
  for (const RankRun& run : RunJob(job, 3)) {
    EXPECT_EQ(run.finished.at(0).totals.least_command, 0);
    EXPECT_EQ(run.finished.at(0).totals.greatest_command, 9);
  }
}

}  // namespace
}  // namespace lehr
