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

bool IsRelative(const CommandAction& action) {
  const auto* perturbation = std::get_if<Perturbation>(&action);
  return perturbation != nullptr && perturbation->scale == NoiseScale::kRelative;
}

std::vector<Tensor> WithReferences(absl::Span<const Tensor> tensors,
                                   const ReferenceStddevs& references) {
  std::vector<Tensor> referenced(tensors.begin(), tensors.end());
  for (Tensor& tensor : referenced) {
    const auto found = references.find(CanonicalTensorName(tensor.name));
    tensor.reference_stddev = found == references.end() ? 0 : found->second;
  }
  return referenced;
}

absl::StatusOr<PreparedAction> Prepare(const Perturbation& action, absl::Span<const Tensor> tensors,
                                       const Snapshots&) {
  return PreparedPerturbation::Make(action, tensors);
}

absl::StatusOr<PreparedAction> Prepare(const TakeSnapshot& action, absl::Span<const Tensor>,
                                       const Snapshots& snapshots) {
  if (!snapshots.supported()) {
    return absl::FailedPreconditionError("the trainer takes no snapshots");
  }
  return action;
}

absl::StatusOr<PreparedAction> Prepare(const RestoreSnapshot& action, absl::Span<const Tensor>,
                                       const Snapshots& snapshots) {
  if (!snapshots.Holds(action.id)) {
    return absl::FailedPreconditionError(absl::StrCat("snapshot ", action.id, " is not held here"));
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

void Apply(const PreparedPerturbation& action, Snapshots&, CommandOutcome& outcome) {
  const PerturbationResult result = action.Apply();
  outcome.perturbed += result.perturbed;
  outcome.non_finite += result.non_finite_kept;
  outcome.unchanged += result.unchanged;
}

void Apply(const TakeSnapshot& action, Snapshots& snapshots, CommandOutcome&) {
  snapshots.Save(action.id);
}

void Apply(const RestoreSnapshot& action, Snapshots& snapshots, CommandOutcome&) {
  snapshots.Restore(action.id);
}

}  // namespace

Command::Command(HeldDecision decision, absl::Span<const Tensor> tensors,
                 const ReferenceStddevs& references, Snapshots& snapshots)
    : decision_(std::move(decision)), tensors_(tensors), snapshots_(snapshots) {
  const std::vector<CommandAction>& actions = decision_.actions;
  if (std::any_of(actions.begin(), actions.end(), IsRelative)) {
    referenced_ = WithReferences(tensors, references);
    tensors_ = referenced_;
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
        std::visit([&](const auto& kind) { return Prepare(kind, tensors_, snapshots_); }, action);
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
    std::visit([&](const auto& kind) { Apply(kind, snapshots_, outcome); }, action);
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
