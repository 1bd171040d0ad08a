// The training loop: forward, losses, backward, all-reduce, optimizer.
//
//   TrainingState state;
//   absl::StatusOr<TrainingOutcome> outcome = Train(settings, dataset, model, optimizer, hooks,
//   state);
//
// Step s (from 0) computes its losses from the parameters before its update. Hooks are called on
// the caller's thread; the first error that one returns ends the training. Without hooks a step
// allocates nothing.
//
// Ranks that train together call Train with equal arguments, but for their share and hooks. What
// ends the training is decided from the totals of all of them, so that all end at the same step.
#ifndef LEHR_TRAINER_TRAINING_H_
#define LEHR_TRAINER_TRAINING_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "trainer/batches.h"
#include "trainer/dataset.h"
#include "trainer/evaluation.h"
#include "trainer/losses.h"
#include "trainer/mlp.h"
#include "trainer/optimizer.h"
#include "trainer/step_totals.h"

namespace lehr {

struct TrainingSettings {
  Loss loss = Loss::kSoftmaxCrossEntropy;
  // Ends when so many optimizer updates have been made, those before a resume included.
  int64_t steps = 1000;
  // Examples of a step; all of them if it is greater than their number. At least 1.
  int64_t batch_size = 128;
  // Of each step's examples, those that are trained on here. More than one rank: all_reduce is set.
  Share share;
  // Drives the shuffling.
  uint64_t seed = 0;
  // Ends before the update of a step whose mean loss is below this. 0: never.
  double stop_loss = 0;
  // Steps between evaluations of the whole training and test sets, beside the one at the end. At
  // least 1.
  int64_t evaluate_every = 1000;
  // Steps between checkpoints, beside the one at the end. 0: only that one.
  int64_t checkpoint_every = 0;
  // Set, e.g. by a signal handler, to end after the step at hand. May be null.
  const std::atomic<bool>* stop_requested = nullptr;
};

// What a training run carries from step to step and through a checkpoint, beside parameters and
// optimizer state.
struct TrainingState {
  // Updates made; the number of the next step.
  int64_t step = 0;
  double best_train_accuracy = 0;
  double best_test_accuracy = 0;
  int64_t perturbations_applied = 0;
  // Of the supervisor; 0 where there is none.
  uint64_t generation = 0;
  // The newest step before which a perturbation was applied; -1: none yet.
  int64_t last_applied_step = -1;

  bool operator==(const TrainingState&) const = default;
};

// The losses of one step, from before its update.
struct StepLosses {
  int64_t step;
  // One loss for each example of the share, and the example's index in the training set.
  absl::Span<const float> losses;
  absl::Span<const uint64_t> example_ids;
};

// One step after the optimizer's update.
struct FinishedStep {
  int64_t step;
  // Of all ranks.
  StepTotals totals;
  // The values may be changed in place.
  absl::Span<ModelTensor> tensors;
  // No step follows: a perturbation now would only spoil the result.
  bool is_last;
};

// What the hook did.
struct StepOutcome {
  bool perturbed = false;
  // Indices of the tensors whose optimizer state starts over.
  std::vector<size_t> restarted_tensors;
  // See TrainingState::generation.
  uint64_t generation = 0;
  // Of the newest decision, for the progress bar.
  std::optional<double> temperature;
};

// The run as of a finished step.
struct TrainingProgress {
  int64_t step;
  int64_t steps;
  double mean_loss;
  // As of the latest evaluation.
  std::optional<double> train_accuracy;
  std::optional<double> test_accuracy;
  std::optional<double> temperature;
  int64_t perturbations_applied;
};

// Each may be empty.
struct TrainingHooks {
  // After every forward pass.
  std::function<void(const StepLosses&)> after_forward;
  // After every backward pass: the hash of the command that is held for the next step; 0: none.
  std::function<uint64_t()> command_hash;
  // Makes of each value its sum over all ranks, and combines the totals. Gives the same bits on
  // every rank. Every rank calls it alike.
  std::function<void(absl::Span<float> values, StepTotals& totals)> all_reduce;
  // After every update. Where the loss ends the training it is called without one.
  std::function<absl::StatusOr<StepOutcome>(const FinishedStep&)> after_step;
  // The loop is about to be silent for a while: "evaluation" or "checkpoint".
  std::function<void(std::string_view reason)> before_pause;
  // Saves parameters, optimizer and state.
  std::function<absl::Status(const TrainingState&)> save_checkpoint;
  // After every step.
  std::function<void(const TrainingProgress&)> progress;
};

enum class StopReason { kSteps, kStopLoss, kLossNotFinite, kInterrupted };

struct TrainingOutcome {
  StopReason stop_reason = StopReason::kSteps;
  // With kLossNotFinite: the step and the examples.
  std::string message;
  // Of the final parameters.
  Evaluation train;
  // Empty without a test set.
  std::optional<Evaluation> test;
  // The final loss of each training example if there are at most 64, else empty.
  std::vector<float> losses_by_example;
};

// Continues from `state`, which it keeps up to date; model and optimizer must fit it. The model
// must take a batch's rows.
absl::StatusOr<TrainingOutcome> Train(const TrainingSettings& settings, const Dataset& dataset,
                                      Mlp& model, Optimizer& optimizer, const TrainingHooks& hooks,
                                      TrainingState& state);

}  // namespace lehr

#endif  // LEHR_TRAINER_TRAINING_H_
