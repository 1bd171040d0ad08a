#include "client/command.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/core/command_hash.h"
#include "client/core/glob.h"
#include "client/core/tensor_name.h"

namespace lehr {
namespace {

bool NeedsDeclarations(const CommandAction& action) {
  const auto* perturbation = std::get_if<Perturbation>(&action);
  return std::holds_alternative<SetIdentity>(action) ||
         (perturbation != nullptr && perturbation->scale == NoiseScale::kRelative);
}

std::vector<Tensor> AsDeclared(absl::Span<const Tensor> tensors, const DeclaredTensors& declared) {
  std::vector<Tensor> result(tensors.begin(), tensors.end());
  for (Tensor& tensor : result) {
    const auto found = declared.find(CanonicalTensorName(tensor.name));
    const DeclaredTensor of_tensor = found == declared.end() ? DeclaredTensor() : found->second;
    tensor.reference_stddev = of_tensor.reference_stddev;
    tensor.side = of_tensor.side;
  }
  return result;
}

absl::StatusOr<PreparedAction> Prepare(const Perturbation& action, absl::Span<const Tensor> tensors,
                                       const TrainerHooks&) {
  return PreparedPerturbation::Make(action, tensors);
}

absl::StatusOr<PreparedAction> Prepare(const TakeSnapshot& action, absl::Span<const Tensor>,
                                       const TrainerHooks& trainer) {
  if (!trainer.snapshots.supported()) {
    return absl::FailedPreconditionError("the trainer takes no snapshots");
  }
  return action;
}

absl::StatusOr<PreparedAction> Prepare(const RestoreSnapshot& action, absl::Span<const Tensor>,
                                       const TrainerHooks& trainer) {
  if (!trainer.snapshots.Holds(action.id)) {
    return absl::FailedPreconditionError(absl::StrCat("snapshot ", action.id, " is not held here"));
  }
  return action;
}

absl::StatusOr<PreparedAction> Prepare(const SetIdentity&, absl::Span<const Tensor> tensors,
                                       const TrainerHooks&) {
  return PreparedIdentity::Make(tensors);
}

absl::StatusOr<PreparedAction> Prepare(const ScaleLearningRate& action, absl::Span<const Tensor>,
                                       const TrainerHooks& trainer) {
  if (!trainer.scale_learning_rate) {
    return absl::FailedPreconditionError("the trainer cannot scale its learning rate");
  }
  return action;
}

bool Selects(const Perturbation& action, const Tensor& tensor) {
  return action.tensor_selector.empty() ||
         GlobMatches(action.tensor_selector, CanonicalTensorName(tensor.name));
}

bool ResetsOptimizerState(const CommandAction& action, const Tensor& tensor) {
  const auto* perturbation = std::get_if<Perturbation>(&action);
  return perturbation != nullptr && perturbation->optimizer_state == OptimizerStateAction::kReset &&
         Selects(*perturbation, tensor);
}

void Apply(const PreparedPerturbation& action, const TrainerHooks&, CommandOutcome& outcome) {
  const PerturbationResult result = action.Apply();
  outcome.perturbed += result.perturbed;
  outcome.non_finite += result.non_finite_kept;
  outcome.unchanged += result.unchanged;
}

void Apply(const TakeSnapshot& action, const TrainerHooks& trainer, CommandOutcome&) {
  trainer.snapshots.Save(action.id);
}

void Apply(const RestoreSnapshot& action, const TrainerHooks& trainer, CommandOutcome&) {
  trainer.snapshots.Restore(action.id);
}

void Apply(const PreparedIdentity& action, const TrainerHooks&, CommandOutcome& outcome) {
  outcome.perturbed += action.Apply();
}

void Apply(const ScaleLearningRate& action, const TrainerHooks& trainer, CommandOutcome&) {
  trainer.scale_learning_rate(action.factor);
}

}  // namespace

Command::Command(HeldDecision decision, absl::Span<const Tensor> tensors,
                 const DeclaredTensors& declared, TrainerHooks trainer)
    : decision_(std::move(decision)), tensors_(tensors), trainer_(std::move(trainer)) {
  const std::vector<CommandAction>& actions = decision_.actions;
  if (std::any_of(actions.begin(), actions.end(), NeedsDeclarations)) {
    declared_ = AsDeclared(tensors, declared);
    tensors_ = declared_;
  }
  obstacle_ = PrepareActions();
  hash_ = obstacle_.empty() ? HashActions(actions) : 0;
}

// Why the command cannot be applied here; empty if it can.
std::string Command::PrepareActions() {
  if (!decision_.unusable.empty()) {
    return decision_.unusable;
  }
  for (const CommandAction& action : decision_.actions) {
    absl::StatusOr<PreparedAction> prepared =
        std::visit([&](const auto& kind) { return Prepare(kind, tensors_, trainer_); }, action);
    if (!prepared.ok()) {
      return std::string(prepared.status().message());
    }
    prepared_.push_back(*std::move(prepared));
  }
  return "";
}

AppliedCommand Command::ApplyIf(bool all_agree) const {
  AppliedCommand applied;
  CommandOutcome& outcome = applied.outcome;
  outcome.step = decision_.step;
  if (hash_ == 0 || !all_agree) {
    outcome.result = CommandOutcome::Result::kSkipped;
    outcome.detail = hash_ == 0 ? obstacle_ : "the ranks did not agree";
    return applied;
  }
  outcome.result = CommandOutcome::Result::kApplied;
  for (const PreparedAction& action : prepared_) {
    std::visit([&](const auto& kind) { Apply(kind, trainer_, outcome); }, action);
  }
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (std::any_of(decision_.actions.begin(), decision_.actions.end(),
                    [&](const CommandAction& action) {
                      return ResetsOptimizerState(action, tensors_[i]);
                    })) {
      applied.reset_optimizer_state.push_back(i);
    }
  }
  return applied;
}

}  // namespace lehr
