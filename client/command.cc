#include "client/command.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/core/command_hash.h"
#include "client/core/glob.h"
#include "client/core/tensor_name.h"

namespace lehr {
namespace {

bool IsRelative(const Perturbation& action) { return action.scale == NoiseScale::kRelative; }

std::vector<Tensor> WithReferences(absl::Span<const Tensor> tensors,
                                   const ReferenceStddevs& references) {
  std::vector<Tensor> referenced(tensors.begin(), tensors.end());
  for (Tensor& tensor : referenced) {
    const auto found = references.find(CanonicalTensorName(tensor.name));
    tensor.reference_stddev = found == references.end() ? 0 : found->second;
  }
  return referenced;
}

// Why the command cannot be applied to these tensors; empty if it can.
std::string Obstacle(const HeldDecision& decision, absl::Span<const Tensor> tensors) {
  if (!decision.unusable.empty()) {
    return decision.unusable;
  }
  for (const Perturbation& action : decision.actions) {
    if (const absl::Status status = CheckPerturbation(action, tensors); !status.ok()) {
      return std::string(status.message());
    }
  }
  return "";
}

bool Selects(const Perturbation& action, const Tensor& tensor) {
  return action.tensor_selector.empty() ||
         GlobMatches(action.tensor_selector, CanonicalTensorName(tensor.name));
}

bool ResetsOptimizerState(const Perturbation& action, const Tensor& tensor) {
  return action.optimizer_state == OptimizerStateAction::kReset && Selects(action, tensor);
}

}  // namespace

Command::Command(HeldDecision decision, absl::Span<const Tensor> tensors,
                 const ReferenceStddevs& references)
    : decision_(std::move(decision)), tensors_(tensors) {
  const std::vector<Perturbation>& actions = decision_.actions;
  if (std::any_of(actions.begin(), actions.end(), IsRelative)) {
    referenced_ = WithReferences(tensors, references);
    tensors_ = referenced_;
  }
  obstacle_ = Obstacle(decision_, tensors_);
  hash_ = obstacle_.empty() ? HashActions(actions) : 0;
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
  for (const Perturbation& action : decision_.actions) {
    // Checked before the ranks agreed, so it succeeds here if it does anywhere.
    const absl::StatusOr<PerturbationResult> result = ApplyPerturbation(action, tensors_);
    if (result.ok()) {
      outcome.perturbed += result->perturbed;
      outcome.non_finite += result->non_finite_kept;
      outcome.unchanged += result->unchanged;
    }
  }
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (std::any_of(decision_.actions.begin(), decision_.actions.end(),
                    [&](const Perturbation& action) {
                      return ResetsOptimizerState(action, tensors_[i]);
                    })) {
      applied.reset_optimizer_state.push_back(i);
    }
  }
  return applied;
}

}  // namespace lehr
