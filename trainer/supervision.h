// Puts a training run under a supervisor: fills in the hooks of the training loop that report its
// losses and apply the perturbations.
#ifndef LEHR_TRAINER_SUPERVISION_H_
#define LEHR_TRAINER_SUPERVISION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/client.h"
#include "trainer/mlp.h"
#include "trainer/optimizer.h"
#include "trainer/options.h"
#include "trainer/training.h"

namespace lehr {

// Which rank of which job this is. job_attempt: as in ClientOptions.
struct JobPlace {
  uint32_t rank = 0;
  uint32_t world_size = 1;
  std::string job_attempt;
};

// What a supervisor is told of the training.
struct SupervisedTraining {
  // From which the perturbations' seeds are derived.
  uint64_t seed;
  // Planned, those before a resume included.
  int64_t steps;
  // Of the training set, with ids from 0.
  int64_t examples;
  // Each step takes all of them.
  bool whole_data_set;
};

// `state` is that of the next step, after a resume. Model and optimizer must outlive the hooks.
// Call it when hooks.save_checkpoint is set. The hooks hold the client; who called ends with
// Client::Leave. INVALID_ARGUMENT for an option out of bounds.
absl::StatusOr<std::shared_ptr<Client>> Supervise(const SupervisionOptions& options,
                                                  const JobPlace& place,
                                                  const SupervisedTraining& training, Mlp& model,
                                                  Optimizer& optimizer, const TrainingState& state,
                                                  TrainingHooks& hooks);

}  // namespace lehr

#endif  // LEHR_TRAINER_SUPERVISION_H_
