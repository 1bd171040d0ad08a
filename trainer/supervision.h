// Puts a training run under a supervisor: fills in the hooks of the training loop that report its
// losses and apply the perturbations.
#ifndef LEHR_TRAINER_SUPERVISION_H_
#define LEHR_TRAINER_SUPERVISION_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "client/client.h"
#include "trainer/mlp.h"
#include "trainer/options.h"
#include "trainer/training.h"

namespace lehr {

// What a supervisor is told of the training.
struct SupervisedTraining {
  // From which the perturbations' seeds are derived.
  uint64_t seed;
  // Planned, those before a resume included.
  int64_t steps;
  // Of the training set; 0 where each step takes all of them.
  int64_t examples_in_batches;
};

// `state` is that of the next step, after a resume. Call it when hooks.save_checkpoint is set. The
// hooks hold the client; who called ends with Client::Leave. INVALID_ARGUMENT for an option out of
// bounds.
absl::StatusOr<std::shared_ptr<Client>> Supervise(const SupervisionOptions& options,
                                                  const SupervisedTraining& training, Mlp& model,
                                                  const TrainingState& state, TrainingHooks& hooks);

}  // namespace lehr

#endif  // LEHR_TRAINER_SUPERVISION_H_
