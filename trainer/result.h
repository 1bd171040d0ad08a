// What a training run came to, as JSON for scripts and in a line for people.
#ifndef LEHR_TRAINER_RESULT_H_
#define LEHR_TRAINER_RESULT_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "trainer/dataset.h"
#include "trainer/mlp.h"
#include "trainer/options.h"
#include "trainer/training.h"

namespace lehr {

// "steps", "stop_loss", "loss_not_finite" or "interrupted".
std::string ToString(StopReason reason);

// Eight hex digits: the CRC-32 of all parameters, in their order, little-endian. Equal for equal
// bits.
std::string ParameterChecksum(absl::Span<const ModelTensor> tensors);

// Eight hex digits: the CRC-32 of all examples.
std::string DataChecksum(const Dataset& dataset);

// A JSON object, described field by field in README.md. A number that is not finite is null.
std::string ResultJson(const TrainerOptions& options, int64_t ranks, const Mlp& model,
                       const TrainingState& state, const TrainingOutcome& outcome,
                       double wall_seconds);

// For example "digits, seed 1: 4600 steps in 2.1 s (steps), test accuracy 97.2 %, loss 0.0031".
std::string ResultLine(const TrainerOptions& options, const TrainingState& state,
                       const TrainingOutcome& outcome, double wall_seconds);

}  // namespace lehr

#endif  // LEHR_TRAINER_RESULT_H_
