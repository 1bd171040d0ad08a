#include "client/core/perturbation.h"

#include <cmath>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/core/float_environment.h"
#include "client/core/glob.h"
#include "client/core/noise.h"
#include "client/core/tensor_check.h"
#include "client/core/tensor_name.h"

namespace lehr {
namespace {

absl::Status CheckCommand(const Perturbation& perturbation) {
  if (perturbation.noise_spec != kNoiseSpec) {
    return absl::UnimplementedError(absl::StrCat("unknown noise_spec '", perturbation.noise_spec,
                                                 "'; this client knows '", std::string(kNoiseSpec),
                                                 "'"));
  }
  if (!std::isfinite(perturbation.stddev) || perturbation.stddev < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("stddev must be finite and >= 0, is ", perturbation.stddev));
  }
  if (!(perturbation.shrink >= 0 && perturbation.shrink <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("shrink must lie in [0, 1], is ", perturbation.shrink));
  }
  if (perturbation.scale != NoiseScale::kAbsolute && perturbation.scale != NoiseScale::kRelative) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown noise scale ", static_cast<int>(perturbation.scale)));
  }
  if (perturbation.optimizer_state != OptimizerStateAction::kKeep &&
      perturbation.optimizer_state != OptimizerStateAction::kReset) {
    return absl::InvalidArgumentError(absl::StrCat("unknown optimizer state action ",
                                                   static_cast<int>(perturbation.optimizer_state)));
  }
  return absl::OkStatus();
}

absl::StatusOr<float> Sigma(const Perturbation& perturbation, const Tensor& tensor) {
  if (perturbation.scale == NoiseScale::kAbsolute) {
    return perturbation.stddev;
  }
  if (!std::isfinite(tensor.reference_stddev) || tensor.reference_stddev <= 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("relative noise needs a reference_stddev > 0 for tensor '", tensor.name,
                     "', is ", tensor.reference_stddev));
  }
  const float sigma = perturbation.stddev * tensor.reference_stddev;
  if (!std::isfinite(sigma)) {
    return absl::InvalidArgumentError(
        absl::StrCat("stddev ", perturbation.stddev, " times the reference_stddev ",
                     tensor.reference_stddev, " of tensor '", tensor.name, "' is not finite"));
  }
  return sigma;
}

absl::StatusOr<std::vector<UpdateTarget>> SelectTargets(const Perturbation& perturbation,
                                                        absl::Span<const Tensor> tensors,
                                                        absl::Span<const std::uint64_t> ids) {
  std::vector<UpdateTarget> targets;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& tensor = tensors[i];
    if (!perturbation.tensor_selector.empty() &&
        !GlobMatches(perturbation.tensor_selector, CanonicalTensorName(tensor.name))) {
      continue;
    }
    const absl::StatusOr<float> sigma = Sigma(perturbation, tensor);
    if (!sigma.ok()) {
      return sigma.status();
    }
    targets.push_back({.update = {.seed = perturbation.seed,
                                  .tensor_id = ids[i],
                                  .shrink = perturbation.shrink,
                                  .sigma = *sigma},
                       .tensor = &tensor});
  }
  return targets;
}

// What the command selects, or why it cannot be applied.
LEHR_NOINLINE absl::StatusOr<std::vector<UpdateTarget>> CheckInEnvironment(
    const Perturbation& perturbation, absl::Span<const Tensor> tensors) {
  if (auto status = CheckCommand(perturbation); !status.ok()) {
    return status;
  }
  const absl::StatusOr<std::vector<std::uint64_t>> ids = CheckTensors(tensors);
  if (!ids.ok()) {
    return ids.status();
  }
  return SelectTargets(perturbation, tensors, *ids);
}

}  // namespace

absl::StatusOr<PreparedPerturbation> PreparedPerturbation::Make(const Perturbation& perturbation,
                                                                absl::Span<const Tensor> tensors) {
  const ScopedFloatEnvironment environment;
  absl::StatusOr<std::vector<UpdateTarget>> targets = CheckInEnvironment(perturbation, tensors);
  if (!targets.ok()) {
    return targets.status();
  }
  return PreparedPerturbation(*std::move(targets));
}

absl::StatusOr<PerturbationResult> ApplyPerturbation(const Perturbation& perturbation,
                                                     absl::Span<const Tensor> tensors,
                                                     unsigned threads) {
  const absl::StatusOr<PreparedPerturbation> prepared =
      PreparedPerturbation::Make(perturbation, tensors);
  if (!prepared.ok()) {
    return prepared.status();
  }
  return prepared->Apply(threads);
}

}  // namespace lehr
