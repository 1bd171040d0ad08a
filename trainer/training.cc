#include "trainer/training.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

constexpr int64_t kMostExamplesListed = 64;
constexpr size_t kMostIdsInMessage = 8;

std::string DescribeLossesNotFinite(int64_t step, absl::Span<const float> losses,
                                    absl::Span<const uint64_t> example_ids) {
  std::string ids;
  size_t count = 0;
  for (size_t i = 0; i < losses.size(); ++i) {
    if (!std::isfinite(losses[i]) && ++count <= kMostIdsInMessage) {
      absl::StrAppend(&ids, count == 1 ? "" : ", ", example_ids[i], " (", losses[i], ")");
    }
  }
  return absl::StrCat("step ", step, ": the loss of ", count, " of ", losses.size(),
                      " examples is not finite: example ", ids,
                      count > kMostIdsInMessage ? ", ..." : "");
}

class TrainingLoop {
 public:
  TrainingLoop(const TrainingSettings& settings, const Dataset& dataset, Mlp& model,
               Optimizer& optimizer, const TrainingHooks& hooks, TrainingState& state)
      : settings_(settings),
        dataset_(dataset),
        model_(model),
        optimizer_(optimizer),
        hooks_(hooks),
        state_(state),
        batches_(dataset.train, dataset.features, settings.batch_size, settings.seed,
                 settings.share) {
    const int64_t rows = std::min(settings.batch_size, dataset.train.size());
    losses_.resize(rows);
    output_gradient_.resize(rows * model.architecture().outputs);
  }

  absl::StatusOr<TrainingOutcome> Run() {
    while (state_.step < settings_.steps && outcome_.stop_reason == StopReason::kSteps) {
      if (absl::Status status = OneStep(); !status.ok()) {
        return status;
      }
    }
    EvaluateModel();
    if (outcome_.stop_reason != StopReason::kLossNotFinite) {
      if (absl::Status status = SaveCheckpoint(); !status.ok()) {
        return status;
      }
    }
    return std::move(outcome_);
  }

 private:
  absl::Status OneStep();
  absl::Span<const float> ComputeGradients(const Batch& batch);
  StepTotals ReduceGradients(absl::Span<const float> losses);
  void DecideWhetherToStop(const Batch& batch, absl::Span<const float> losses,
                           const StepTotals& totals);
  std::vector<float> LossesOfAllRanks(const Batch& batch, absl::Span<const float> losses);
  absl::Status CallAfterStep(int64_t step, const StepTotals& totals, bool is_last);
  void EvaluateModel();
  absl::Status SaveCheckpoint();
  void BeforePause(std::string_view reason) const;
  void ShowProgress(double mean_loss) const;

  const TrainingSettings& settings_;
  const Dataset& dataset_;
  Mlp& model_;
  Optimizer& optimizer_;
  const TrainingHooks& hooks_;
  TrainingState& state_;
  Batches batches_;
  std::vector<float> losses_;
  std::vector<float> output_gradient_;
  std::optional<double> temperature_;
  bool evaluated_ = false;
  TrainingOutcome outcome_;
};

absl::Status TrainingLoop::OneStep() {
  const Batch batch = batches_.At(state_.step);
  const absl::Span<const float> losses = ComputeGradients(batch);
  const StepTotals totals = ReduceGradients(losses);
  DecideWhetherToStop(batch, losses, totals);
  if (outcome_.stop_reason == StopReason::kLossNotFinite ||
      outcome_.stop_reason == StopReason::kStopLoss) {
    return CallAfterStep(state_.step, totals, /*is_last=*/true);
  }
  optimizer_.Step();
  const int64_t step = state_.step++;

  const bool is_last =
      state_.step == settings_.steps || outcome_.stop_reason == StopReason::kInterrupted;
  if (absl::Status status = CallAfterStep(step, totals, is_last); !status.ok()) {
    return status;
  }
  if (!is_last && state_.step % settings_.evaluate_every == 0) {
    EvaluateModel();
  }
  if (!is_last && settings_.checkpoint_every > 0 && state_.step % settings_.checkpoint_every == 0) {
    if (absl::Status status = SaveCheckpoint(); !status.ok()) {
      return status;
    }
  }
  ShowProgress(totals.loss_sum / static_cast<double>(batch.all_example_ids.size()));
  return absl::OkStatus();
}

// The share's losses, valid until the next call. The gradients of all shares add up to that of the
// batch's mean loss.
absl::Span<const float> TrainingLoop::ComputeGradients(const Batch& batch) {
  const auto rows = static_cast<int64_t>(batch.labels.size());
  const auto losses = absl::MakeSpan(losses_).first(rows);
  const absl::Span<const float> outputs = model_.Forward(batch.inputs, rows);
  const auto gradient = absl::MakeSpan(output_gradient_).first(outputs.size());
  ComputeLosses(settings_.loss, outputs, batch.labels, losses, gradient,
                static_cast<int64_t>(batch.all_example_ids.size()));
  if (hooks_.after_forward) {
    hooks_.after_forward({.step = state_.step, .losses = losses, .example_ids = batch.example_ids});
  }
  model_.Backward(batch.inputs, gradient.data(), rows);
  return losses;
}

StepTotals TrainingLoop::ReduceGradients(absl::Span<const float> losses) {
  const uint64_t command = hooks_.command_hash ? hooks_.command_hash() : 0;
  StepTotals totals = {
      .loss_sum = std::accumulate(losses.begin(), losses.end(), 0.0),
      .stop_requested =
          settings_.stop_requested != nullptr && settings_.stop_requested->load() ? 1U : 0U,
      .least_command = command,
      .greatest_command = command,
  };
  if (hooks_.all_reduce) {
    hooks_.all_reduce(model_.gradients(), totals);
  }
  return totals;
}

void TrainingLoop::DecideWhetherToStop(const Batch& batch, absl::Span<const float> losses,
                                       const StepTotals& totals) {
  const double mean_loss = totals.loss_sum / static_cast<double>(batch.all_example_ids.size());
  if (!std::isfinite(mean_loss)) {
    outcome_.stop_reason = StopReason::kLossNotFinite;
    outcome_.message = DescribeLossesNotFinite(state_.step, LossesOfAllRanks(batch, losses),
                                               batch.all_example_ids);
  } else if (mean_loss < settings_.stop_loss) {
    outcome_.stop_reason = StopReason::kStopLoss;
  } else if (totals.stop_requested != 0) {
    outcome_.stop_reason = StopReason::kInterrupted;
  }
}

// In the order of batch.all_example_ids.
std::vector<float> TrainingLoop::LossesOfAllRanks(const Batch& batch,
                                                  absl::Span<const float> losses) {
  std::vector<float> all(batch.all_example_ids.size());
  std::copy(losses.begin(), losses.end(), all.begin() + batch.share_begin);
  if (hooks_.all_reduce) {
    StepTotals unused;
    hooks_.all_reduce(absl::MakeSpan(all), unused);
  }
  return all;
}

absl::Status TrainingLoop::CallAfterStep(int64_t step, const StepTotals& totals, bool is_last) {
  if (!hooks_.after_step) {
    return absl::OkStatus();
  }
  const absl::StatusOr<StepOutcome> outcome = hooks_.after_step(
      {.step = step, .totals = totals, .tensors = model_.tensors(), .is_last = is_last});
  if (!outcome.ok()) {
    return outcome.status();
  }
  for (const size_t tensor : outcome->restarted_tensors) {
    optimizer_.Reset(tensor);
  }
  if (outcome->perturbed) {
    ++state_.perturbations_applied;
    state_.last_applied_step = step + 1;
  }
  state_.generation = outcome->generation;
  temperature_ = outcome->temperature;
  return absl::OkStatus();
}

void TrainingLoop::EvaluateModel() {
  BeforePause("evaluation");
  const bool is_small = dataset_.train.size() <= kMostExamplesListed;
  outcome_.train = Evaluate(model_, settings_.loss, dataset_.train,
                            is_small ? &outcome_.losses_by_example : nullptr);
  state_.best_train_accuracy = std::max(state_.best_train_accuracy, outcome_.train.accuracy);
  if (dataset_.test.size() > 0) {
    outcome_.test = Evaluate(model_, settings_.loss, dataset_.test);
    state_.best_test_accuracy = std::max(state_.best_test_accuracy, outcome_.test->accuracy);
  }
  evaluated_ = true;
}

absl::Status TrainingLoop::SaveCheckpoint() {
  if (!hooks_.save_checkpoint) {
    return absl::OkStatus();
  }
  BeforePause("checkpoint");
  return hooks_.save_checkpoint(state_);
}

void TrainingLoop::BeforePause(std::string_view reason) const {
  if (hooks_.before_pause) {
    hooks_.before_pause(reason);
  }
}

void TrainingLoop::ShowProgress(double mean_loss) const {
  if (!hooks_.progress) {
    return;
  }
  TrainingProgress progress = {
      .step = state_.step,
      .steps = settings_.steps,
      .mean_loss = mean_loss,
      .temperature = temperature_,
      .perturbations_applied = state_.perturbations_applied,
  };
  if (evaluated_) {
    progress.train_accuracy = outcome_.train.accuracy;
    progress.test_accuracy =
        outcome_.test.has_value() ? std::optional<double>(outcome_.test->accuracy) : std::nullopt;
  }
  hooks_.progress(progress);
}

}  // namespace

absl::StatusOr<TrainingOutcome> Train(const TrainingSettings& settings, const Dataset& dataset,
                                      Mlp& model, Optimizer& optimizer, const TrainingHooks& hooks,
                                      TrainingState& state) {
  return TrainingLoop(settings, dataset, model, optimizer, hooks, state).Run();
}

}  // namespace lehr
