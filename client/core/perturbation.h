// Applies a perturbation to parameters: theta' = RN(RN(shrink theta) + RN(sigma z)) for each
// element, the same bits on every replica, whatever its shards and threads.
//
// Specification: section 7 of proto/lehr/v1/NOISE.md. Threading: pure apart from the values that
// are written; the caller's rounding direction and FTZ/DAZ do not matter and are left as they were.
//
//   const Tensor tensors[] = {{.name = "layers.0.weight", .values = absl::MakeSpan(weights)}};
//   const auto result = ApplyPerturbation(
//       {.id = 1, .seed = 7, .stddev = 0.01f, .noise_spec = std::string(kNoiseSpec)}, tensors);

#ifndef LEHR_CLIENT_CORE_PERTURBATION_H_
#define LEHR_CLIENT_CORE_PERTURBATION_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "client/core/noise_update.h"
#include "client/core/target_update.h"
#include "client/core/tensor.h"

namespace lehr {

// The values of these two enumerations are those of the proto; they enter HashActions.
enum class NoiseScale : std::uint8_t { kAbsolute = 1, kRelative = 2 };
enum class OptimizerStateAction : std::uint8_t { kKeep = 1, kReset = 2 };

struct Perturbation {
  std::uint64_t id = 0;
  std::uint64_t seed = 0;
  // Finite, >= 0. Unit: the parameters', or with kRelative the tensor's reference_stddev.
  float stddev = 0;
  NoiseScale scale = NoiseScale::kAbsolute;
  // In [0, 1].
  float shrink = 1;
  // For the trainer to follow.
  OptimizerStateAction optimizer_state = OptimizerStateAction::kKeep;
  // Glob over canonical names (see glob.h). Empty: every tensor.
  std::string tensor_selector;
  // Must be kNoiseSpec.
  std::string noise_spec;
};

// Over all selected tensors (see noise_update.h).
using PerturbationResult = UpdateCounts;

// A perturbation that fits the tensors, and what it will do to them. Ranks prepare a command before
// they agree on it, so that none fails where the others have applied it.
class PreparedPerturbation {
 public:
  // `tensors` must stay where they are until it is applied. The status is one of
  // - Unimplemented: a noise_spec that this client does not know. It is never guessed.
  // - InvalidArgument: a stddev, shrink or sigma out of bounds, a slice that does not fit, or
  //   tensors that overlap in memory or in indices, so that an element would be perturbed twice
  //   (list a tied tensor once).
  // - FailedPrecondition: relative noise for a tensor without a reference_stddev.
  // A selector that matches nothing is no error: this rank may hold no part of what it selects.
  static absl::StatusOr<PreparedPerturbation> Make(const Perturbation& perturbation,
                                                   absl::Span<const Tensor> tensors);

  // Changes the values of every selected tensor. `threads` work at a time; 0: as many as there are
  // CPUs, if there is enough to do.
  PerturbationResult Apply(unsigned threads = 0) const { return UpdateTargets(targets_, threads); }

 private:
  explicit PreparedPerturbation(std::vector<UpdateTarget> targets) : targets_(std::move(targets)) {}

  std::vector<UpdateTarget> targets_;
};

// Prepares and applies it, or, where the status is not OK, changes nothing.
absl::StatusOr<PerturbationResult> ApplyPerturbation(const Perturbation& perturbation,
                                                     absl::Span<const Tensor> tensors,
                                                     unsigned threads = 0);

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_PERTURBATION_H_
