#include "trainer/training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "trainer/initialization.h"
#include "trainer/result.h"
#include "trainer/tasks.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// The network y = weight·x + bias from zeros, on (x, label) = (1, 1) and (−1, 0), both at once.
class TrainingTest : public ::testing::Test {
 protected:
  absl::StatusOr<TrainingOutcome> TrainWith(const TrainingHooks& hooks = {}) {
    return Train(settings_, data_, model_, optimizer_, hooks, state_);
  }

  // With a hook after each step.
  absl::StatusOr<TrainingOutcome> TrainWith(
      const std::function<absl::StatusOr<StepOutcome>(const FinishedStep&)>& after_step) {
    TrainingHooks hooks;
    hooks.after_step = after_step;
    return TrainWith(hooks);
  }

  float weight() const { return model_.tensors()[0].values[0]; }
  float bias() const { return model_.tensors()[1].values[0]; }

  Dataset data_ = {.train = {{1, -1}, {1, 0}}, .test = {{2}, {1}}, .features = 1, .classes = 2};
  TrainingSettings settings_ = {
      .loss = Loss::kMeanSquaredError, .steps = 3, .batch_size = 2, .evaluate_every = 1000};
  Mlp model_{{.inputs = 1, .hidden = {}, .outputs = 1}, /*max_rows=*/2};
  Optimizer optimizer_{{.learning_rate = 0.5, .momentum = 0.5}, model_.tensors()};
  TrainingState state_;
};

// By hand: outputs 0, 0; losses 1, 0; ∂/∂y = −1, 0; ∂/∂weight = −1, ∂/∂bias = −1.
TEST_F(TrainingTest, OneStepByHand) {
  settings_.steps = 1;
  std::vector<float> losses;
  std::vector<uint64_t> ids;
  TrainingHooks hooks;
  hooks.after_forward = [&](const StepLosses& step) {
    EXPECT_EQ(step.step, 0);
    losses.assign(step.losses.begin(), step.losses.end());
    ids.assign(step.example_ids.begin(), step.example_ids.end());
    EXPECT_EQ(weight(), 0);
  };
  hooks.command_hash = [] { return 77; };
  hooks.after_step = [&](const FinishedStep& step) -> absl::StatusOr<StepOutcome> {
    EXPECT_EQ(step.step, 0);
    EXPECT_TRUE(step.is_last);
    EXPECT_EQ(step.totals.loss_sum, 1);
    EXPECT_EQ(step.totals.least_command, 77);
    EXPECT_EQ(step.totals.greatest_command, 77);
    // After the update, with losses from before it.
    EXPECT_EQ(step.tensors[0].values[0], 0.5);
    return StepOutcome();
  };
  ASSERT_TRUE(TrainWith(hooks).ok());
  EXPECT_THAT(losses, ElementsAre(1, 0));
  EXPECT_THAT(ids, ElementsAre(0, 1));
  EXPECT_EQ(weight(), 0.5);
  EXPECT_EQ(bias(), 0.5);
  EXPECT_EQ(state_.step, 1);
}

TEST_F(TrainingTest, StepsAreNumberedAndTheLastIsTold) {
  std::vector<std::pair<int64_t, bool>> seen;
  ASSERT_TRUE(TrainWith([&](const FinishedStep& step) -> absl::StatusOr<StepOutcome> {
                seen.emplace_back(step.step, step.is_last);
                return StepOutcome();
              }).ok());
  EXPECT_THAT(seen, ElementsAre(std::pair(0, false), std::pair(1, false), std::pair(2, true)));
}

TEST_F(TrainingTest, EndsWithAnEvaluationOfTheFinalParameters) {
  const auto outcome = TrainWith();
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->stop_reason, StopReason::kSteps);
  const double first = weight() + bias() - 1;
  const double second = bias() - weight();
  EXPECT_NEAR(outcome->train.mean_loss, (first * first + second * second) / 2, 1e-7);
  EXPECT_THAT(outcome->losses_by_example, SizeIs(2));
  ASSERT_TRUE(outcome->test.has_value());
  EXPECT_NEAR(outcome->test->mean_loss, std::pow(2 * weight() + bias() - 1, 2), 1e-6);
  EXPECT_EQ(state_.best_train_accuracy, outcome->train.accuracy);
}

TEST_F(TrainingTest, NoTestSetMeansNoTestEvaluation) {
  data_.test = {};
  const auto outcome = TrainWith();
  ASSERT_TRUE(outcome.ok());
  EXPECT_FALSE(outcome->test.has_value());
}

TEST_F(TrainingTest, ManyExamplesAreNotListedOneByOne) {
  data_.train = {std::vector<float>(65, 1), std::vector<int32_t>(65, 1)};
  const auto outcome = TrainWith();
  ASSERT_TRUE(outcome.ok());
  EXPECT_THAT(outcome->losses_by_example, IsEmpty());
}

// The first label is wrong later on, so that the best accuracy is not the final one.
TEST_F(TrainingTest, KeepsTheBestAccuracy) {
  settings_.evaluate_every = 1;
  settings_.steps = 30;
  const auto outcome = TrainWith([&](const FinishedStep& step) -> absl::StatusOr<StepOutcome> {
    if (step.step == 20) {
      step.tensors[0].values[0] = -100;
      step.tensors[1].values[0] = 0;
    }
    settings_.steps = 21;
    return StepOutcome();
  });
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(state_.best_train_accuracy, 1);
  EXPECT_EQ(outcome->train.accuracy, 0);
}

TEST_F(TrainingTest, StopsBeforeTheUpdateOfALowLoss) {
  settings_.steps = 1000;
  settings_.stop_loss = 1e-3;
  std::vector<double> losses;
  TrainingHooks hooks;
  hooks.progress = [&](const TrainingProgress& progress) { losses.push_back(progress.mean_loss); };
  const auto outcome = TrainWith(hooks);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->stop_reason, StopReason::kStopLoss);
  EXPECT_LT(outcome->train.mean_loss, 1e-3);
  EXPECT_GE(losses.back(), 1e-3);
  EXPECT_THAT(losses, SizeIs(state_.step));
}

TEST_F(TrainingTest, StopsWhenAskedTo) {
  std::atomic<bool> stop = false;
  settings_.steps = 1000;
  settings_.stop_requested = &stop;
  bool last_seen = false;
  const auto outcome = TrainWith([&](const FinishedStep& step) -> absl::StatusOr<StepOutcome> {
    stop = step.step == 4;
    last_seen = step.is_last;
    return StepOutcome();
  });
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->stop_reason, StopReason::kInterrupted);
  EXPECT_EQ(state_.step, 6);
  EXPECT_TRUE(last_seen);
}

TEST_F(TrainingTest, AnErrorOfTheHookEndsTheTraining) {
  const auto outcome = TrainWith([](const FinishedStep& step) -> absl::StatusOr<StepOutcome> {
    return step.step == 1 ? absl::StatusOr<StepOutcome>(absl::UnavailableError("gone"))
                          : StepOutcome();
  });
  EXPECT_EQ(outcome.status(), absl::UnavailableError("gone"));
  EXPECT_EQ(state_.step, 2);
}

TEST_F(TrainingTest, LossesThatAreNotFiniteEndTheTrainingWithStepAndIds) {
  data_.train.inputs[1] = std::numeric_limits<float>::infinity();
  model_.tensors()[0].values[0] = 1;
  std::vector<float> reported;
  bool was_last = false;
  TrainingHooks hooks;
  hooks.after_forward = [&](const StepLosses& step) {
    reported.assign(step.losses.begin(), step.losses.end());
  };
  hooks.after_step = [&](const FinishedStep& step) -> absl::StatusOr<StepOutcome> {
    was_last = step.is_last;
    return StepOutcome();
  };
  const auto outcome = TrainWith(hooks);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->stop_reason, StopReason::kLossNotFinite);
  EXPECT_EQ(outcome->message, "step 0: the loss of 1 of 2 examples is not finite: example 1 (inf)");
  // The hook sees the losses, the parameters stay as they were.
  EXPECT_THAT(reported, ElementsAre(0, std::numeric_limits<float>::infinity()));
  EXPECT_TRUE(was_last);
  EXPECT_EQ(weight(), 1);
  EXPECT_EQ(state_.step, 0);
}

TEST_F(TrainingTest, ALongListOfIdsIsCut) {
  data_.train = {std::vector<float>(20, std::nanf("")), std::vector<int32_t>(20, 1)};
  settings_.batch_size = 20;
  Mlp model({.inputs = 1, .hidden = {}, .outputs = 1}, /*max_rows=*/20);
  const auto outcome = Train(settings_, data_, model, optimizer_, {}, state_);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->message,
            "step 0: the loss of 20 of 20 examples is not finite: example 0 (nan), 1 (nan), "
            "2 (nan), 3 (nan), 4 (nan), 5 (nan), 6 (nan), 7 (nan), ...");
}

TEST_F(TrainingTest, ABrokenRunIsNotSaved) {
  data_.train.inputs[0] = std::nanf("");
  int saved = 0;
  TrainingHooks hooks;
  hooks.save_checkpoint = [&saved](const TrainingState&) {
    ++saved;
    return absl::OkStatus();
  };
  ASSERT_TRUE(TrainWith(hooks).ok());
  EXPECT_EQ(saved, 0);
}

TEST_F(TrainingTest, APerturbationActsFromTheNextStepOn) {
  std::vector<float> second_losses;
  TrainingHooks hooks;
  hooks.after_forward = [&](const StepLosses& step) {
    if (step.step == 1) {
      second_losses.assign(step.losses.begin(), step.losses.end());
    }
  };
  hooks.after_step = [&](const FinishedStep& step) -> absl::StatusOr<StepOutcome> {
    step.tensors[0].values[0] = 0;
    step.tensors[1].values[0] = 3;
    StepOutcome outcome;
    outcome.perturbed = step.step == 0;
    return outcome;
  };
  ASSERT_TRUE(TrainWith(hooks).ok());
  EXPECT_THAT(second_losses, ElementsAre(4, 9));
}

// The supervisor has its losses by then, so the hook must know that the step is over.
TEST_F(TrainingTest, TheStepThatStopsByItsLossIsTheLast) {
  settings_.stop_loss = 0.6;
  std::vector<bool> is_last;
  ASSERT_TRUE(TrainWith([&](const FinishedStep& step) -> absl::StatusOr<StepOutcome> {
                is_last.push_back(step.is_last);
                return StepOutcome();
              }).ok());
  EXPECT_THAT(is_last, ElementsAre(true));
  EXPECT_EQ(state_.step, 0);
  EXPECT_EQ(weight(), 0);
}

TEST_F(TrainingTest, TheStateRemembersWhatWasApplied) {
  ASSERT_TRUE(TrainWith([&](const FinishedStep& step) -> absl::StatusOr<StepOutcome> {
                StepOutcome outcome;
                outcome.perturbed = step.step < 2;
                outcome.generation = 7;
                return outcome;
              }).ok());
  EXPECT_EQ(state_.perturbations_applied, 2);
  EXPECT_EQ(state_.last_applied_step, 2);
  EXPECT_EQ(state_.generation, 7U);
}

TEST_F(TrainingTest, TheHookRestartsOptimizerStateTensorByTensor) {
  ASSERT_TRUE(TrainWith([&](const FinishedStep& step) -> absl::StatusOr<StepOutcome> {
                StepOutcome outcome;
                if (step.step == 2) {
                  outcome.restarted_tensors = {1};
                }
                return outcome;
              }).ok());
  EXPECT_NE(optimizer_.states()[0].first_moment[0], 0);
  EXPECT_EQ(optimizer_.states()[0].steps, 3);
  EXPECT_EQ(optimizer_.states()[1].first_moment[0], 0);
  EXPECT_EQ(optimizer_.states()[1].steps, 0);
}

TEST_F(TrainingTest, EvaluationsAndCheckpointsComeWhenTheyAreDue) {
  settings_.steps = 6;
  settings_.evaluate_every = 4;
  settings_.checkpoint_every = 3;
  std::vector<std::string> events;
  TrainingHooks hooks;
  hooks.after_step = [&](const FinishedStep& step) -> absl::StatusOr<StepOutcome> {
    events.push_back(std::to_string(step.step));
    return StepOutcome();
  };
  hooks.before_pause = [&](std::string_view reason) { events.emplace_back(reason); };
  hooks.save_checkpoint = [&](const TrainingState& state) {
    events.push_back("saved " + std::to_string(state.step));
    return absl::OkStatus();
  };
  ASSERT_TRUE(TrainWith(hooks).ok());
  EXPECT_THAT(events, ElementsAre("0", "1", "2", "checkpoint", "saved 3", "3", "evaluation", "4",
                                  "5", "evaluation", "checkpoint", "saved 6"));
}

TEST_F(TrainingTest, AFailedCheckpointEndsTheTraining) {
  settings_.checkpoint_every = 1;
  TrainingHooks hooks;
  hooks.save_checkpoint = [](const TrainingState&) {
    return absl::ResourceExhaustedError("disk full");
  };
  EXPECT_EQ(TrainWith(hooks).status(), absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(state_.step, 1);
}

TEST_F(TrainingTest, ProgressTellsWhatIsKnown) {
  settings_.evaluate_every = 2;
  std::vector<TrainingProgress> seen;
  TrainingHooks hooks;
  hooks.after_step = [](const FinishedStep& step) -> absl::StatusOr<StepOutcome> {
    StepOutcome outcome;
    outcome.temperature = 0.5 + static_cast<double>(step.step);
    outcome.perturbed = step.step == 1;
    return outcome;
  };
  hooks.progress = [&](const TrainingProgress& progress) { seen.push_back(progress); };
  ASSERT_TRUE(TrainWith(hooks).ok());
  ASSERT_THAT(seen, SizeIs(3));
  EXPECT_EQ(seen[0].step, 1);
  EXPECT_EQ(seen[0].steps, 3);
  EXPECT_EQ(seen[0].mean_loss, 0.5);
  EXPECT_EQ(seen[0].train_accuracy, std::nullopt);
  EXPECT_EQ(seen[0].temperature, 0.5);
  EXPECT_EQ(seen[1].perturbations_applied, 1);
  EXPECT_TRUE(seen[1].train_accuracy.has_value());
  EXPECT_TRUE(seen[1].test_accuracy.has_value());
}

TEST_F(TrainingTest, AFinishedRunIsOnlyEvaluated) {
  state_.step = 3;
  const auto outcome = TrainWith();
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(state_.step, 3);
  EXPECT_EQ(weight(), 0);
  EXPECT_EQ(outcome->train.mean_loss, 0.5);
}

// Mini-batches, two epochs: each example's loss comes twice.
TEST(Training, EveryEpochReportsEveryExample) {
  const Dataset data = LoadData(Task::kSpirals, {}).value();
  Mlp model({.inputs = 2, .hidden = {4}, .outputs = 2}, /*max_rows=*/64);
  Initialize(InitialValues::kTorch, /*seed=*/1, model.tensors());
  Optimizer optimizer({}, model.tensors());
  TrainingState state;
  std::vector<int> seen(200);
  TrainingHooks hooks;
  hooks.after_forward = [&seen](const StepLosses& step) {
    EXPECT_EQ(step.losses.size(), step.example_ids.size());
    for (const uint64_t id : step.example_ids) {
      ++seen[id];
    }
  };
  ASSERT_TRUE(Train({.steps = 8, .batch_size = 64, .evaluate_every = 100}, data, model, optimizer,
                    hooks, state)
                  .ok());
  EXPECT_THAT(seen, ::testing::Each(2));
}

TEST(Training, TheSeedGivesTheSameBits) {
  const auto train = [](uint64_t seed) {
    const Dataset data = LoadData(Task::kSpirals, {}).value();
    Mlp model({.inputs = 2, .hidden = {16, 16}, .outputs = 2}, /*max_rows=*/64);
    Initialize(InitialValues::kTorch, seed, model.tensors());
    Optimizer optimizer({}, model.tensors());
    TrainingState state;
    EXPECT_TRUE(Train({.steps = 50, .batch_size = 64, .seed = seed, .evaluate_every = 100}, data,
                      model, optimizer, {}, state)
                    .ok());
    return ParameterChecksum(model.tensors());
  };
  EXPECT_EQ(train(1), train(1));
  EXPECT_NE(train(1), train(2));
}

}  // namespace
}  // namespace lehr
