// Saves a training run to a file and continues it from there, bit for bit.
//
// The file holds parameters, optimizer state, TrainingState and what tells the run apart
// (TensorFile's format; the shuffling needs no more than the step, see batches.h).
//
//   const CheckpointIdentity identity = {{"task", "digits"}, {"architecture", "64-32-10"}, {"seed",
//   "1"}}; absl::Status saved = SaveCheckpoint("run.checkpoint", identity, model.tensors(),
//   optimizer, state); absl::Status loaded = LoadCheckpoint("run.checkpoint", identity,
//   model.tensors(), optimizer, state);
#ifndef LEHR_TRAINER_CHECKPOINT_H_
#define LEHR_TRAINER_CHECKPOINT_H_

#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "trainer/mlp.h"
#include "trainer/optimizer.h"
#include "trainer/training.h"

namespace lehr {

// What must be equal for a run to continue: name to value, both for a person to read.
using CheckpointIdentity = std::map<std::string, std::string>;

// Replaces the file in one step (ReplaceFile).
absl::Status SaveCheckpoint(const std::string& path, const CheckpointIdentity& identity,
                            absl::Span<const ModelTensor> tensors, const Optimizer& optimizer,
                            const TrainingState& state);

// NotFound without the file, DataLoss where it is truncated or corrupt, FailedPrecondition where it
// belongs to another run (the message says what differs). On an error nothing has been changed.
absl::Status LoadCheckpoint(const std::string& path, const CheckpointIdentity& identity,
                            absl::Span<ModelTensor> tensors, Optimizer& optimizer,
                            TrainingState& state);

// The same for the file's bytes, which another process may have read.
absl::Status RestoreCheckpoint(std::string_view bytes, const std::string& path,
                               const CheckpointIdentity& identity, absl::Span<ModelTensor> tensors,
                               Optimizer& optimizer, TrainingState& state);

}  // namespace lehr

#endif  // LEHR_TRAINER_CHECKPOINT_H_
