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

// `examples`: how many the data set has to train with, with ids from 0. `seed`: from which the
// perturbations' seeds are derived. `state` is that of the next step, after
// a resume. Call it when hooks.save_checkpoint is set. The hooks hold the client; who called ends
// with Client::Leave. INVALID_ARGUMENT for an option out of bounds.
absl::StatusOr<std::shared_ptr<Client>> Supervise(const SupervisionOptions& options,
                                                  int64_t examples, uint64_t seed, Mlp& model,
                                                  const TrainingState& state, TrainingHooks& hooks);

}  // namespace lehr

#endif  // LEHR_TRAINER_SUPERVISION_H_
