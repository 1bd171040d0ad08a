#include "trainer/training.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "trainer/batches.h"

namespace lehr {
namespace {

constexpr int64_t kMostExamplesListed = 64;
constexpr size_t kMostIdsInMessage = 8;

double Mean(absl::Span<const float> losses) {
  return std::accumulate(losses.begin(), losses.end(), 0.0) / static_cast<double>(losses.size());
}

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
        batches_(dataset.train, dataset.features, settings.batch_size, settings.seed) {
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
  absl::Status CallAfterStep(int64_t step, const Batch& batch, absl::Span<const float> losses,
                             bool is_last);
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
  const auto rows = static_cast<int64_t>(batch.labels.size());
  const auto losses = absl::MakeSpan(losses_).first(rows);
  const absl::Span<const float> outputs = model_.Forward(batch.inputs, rows);
  const auto gradient = absl::MakeSpan(output_gradient_).first(outputs.size());
  ComputeLosses(settings_.loss, outputs, batch.labels, losses, gradient);
  const double mean_loss = Mean(losses);
  if (!std::isfinite(mean_loss)) {
    outcome_.stop_reason = StopReason::kLossNotFinite;
    outcome_.message = DescribeLossesNotFinite(state_.step, losses, batch.example_ids);
    return CallAfterStep(state_.step, batch, losses, /*is_last=*/true);
  }
  if (mean_loss < settings_.stop_loss) {
    outcome_.stop_reason = StopReason::kStopLoss;
    return absl::OkStatus();
  }
  model_.Backward(batch.inputs, gradient.data(), rows);
  optimizer_.Step();
  const int64_t step = state_.step++;

  if (settings_.stop_requested != nullptr && settings_.stop_requested->load()) {
    outcome_.stop_reason = StopReason::kInterrupted;
  }
  const bool is_last =
      state_.step == settings_.steps || outcome_.stop_reason == StopReason::kInterrupted;
  if (absl::Status status = CallAfterStep(step, batch, losses, is_last); !status.ok()) {
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
  ShowProgress(mean_loss);
  return absl::OkStatus();
}

absl::Status TrainingLoop::CallAfterStep(int64_t step, const Batch& batch,
                                         absl::Span<const float> losses, bool is_last) {
  if (!hooks_.after_step) {
    return absl::OkStatus();
  }
  const absl::StatusOr<StepOutcome> outcome = hooks_.after_step({
      .step = step,
      .losses = losses,
      .example_ids = batch.example_ids,
      .tensors = model_.tensors(),
      .is_last = is_last,
  });
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
