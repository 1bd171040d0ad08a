#include "trainer/supervision.h"

#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "trainer/state_snapshots.h"

namespace lehr {
namespace {

// An evaluation of the bundled data sets takes seconds; the supervisor waits this long at most.
constexpr absl::Duration kLongestPause = absl::Minutes(10);

v1::Policy PolicyOf(const SupervisionOptions& options, int64_t planned_steps) {
  v1::Policy policy;
  if (options.policy == "reheat") {
    policy.mutable_reheat()->set_planned_steps(planned_steps);
    return policy;
  }
  policy.mutable_error_driven()->set_base_noise_level(options.base_noise_level);
  policy.mutable_error_driven()->set_min_imbalance(options.min_imbalance);
  policy.set_observe(options.policy == "observe");
  return policy;
}

ClientOptions OptionsOf(const SupervisionOptions& options, const JobPlace& place,
                        const SupervisedTraining& training, absl::Span<const ModelTensor> tensors,
                        const TrainingState& state) {
  ClientOptions client;
  client.supervisor = options.address;
  client.tls = options.tls;
  client.run_id = options.run;
  client.rank = place.rank;
  client.world_size = place.world_size;
  client.job_attempt = place.job_attempt;
  client.can_agree = true;
  if (place.world_size > 1) {
    client.log = [rank = place.rank](std::string_view line) {
      std::cerr << absl::StrCat("lehr, rank ", rank, ": ", std::string(line), "\n") << std::flush;
    };
  }
  client.resume_step = state.step;
  client.resume_generation = state.generation;
  *client.settings.mutable_policy() = PolicyOf(options, training.steps);
  // reheat looks at the whole data set; a step that has all of it needs no table of it.
  if (options.scope == "dataset" || (options.policy == "reheat" && !training.whole_data_set)) {
    client.settings.set_scope(v1::LOSS_SCOPE_DATASET);
    client.settings.set_dataset_examples(static_cast<uint64_t>(training.examples));
  }
  client.settings.set_run_seed(training.seed);
  client.settings.set_lag(static_cast<uint32_t>(options.lag));
  for (const ModelTensor& tensor : tensors) {
    client.tensors.push_back(
        {.name = tensor.name, .reference_stddev = tensor.reference_stddev, .side = SideOf(tensor)});
  }
  return client;
}

// What a stall-driven policy goes back to: its best state, and a few before it.
SnapshotHooks SnapshotsOf(Mlp& model, Optimizer& optimizer) {
  constexpr uint32_t kSnapshots = 4;
  auto copies = std::make_shared<StateSnapshots>(model, optimizer);
  return {.capacity = kSnapshots,
          .bytes = copies->bytes(),
          .optimizer_state = true,
          .save = [copies](uint64_t id) { return copies->Save(id); },
          .restore = [copies](uint64_t id) { copies->Restore(id); },
          .drop = [copies](uint64_t id) { copies->Drop(id); }};
}

std::vector<Tensor> TensorsOf(absl::Span<const ModelTensor> tensors) {
  std::vector<Tensor> result;
  for (const ModelTensor& tensor : tensors) {
    result.push_back({.name = tensor.name,
                      .values = tensor.values,
                      .reference_stddev = tensor.reference_stddev});
  }
  return result;
}

}  // namespace

absl::StatusOr<std::shared_ptr<Client>> Supervise(const SupervisionOptions& options,
                                                  const JobPlace& place,
                                                  const SupervisedTraining& training, Mlp& model,
                                                  Optimizer& optimizer, const TrainingState& state,
                                                  TrainingHooks& hooks) {
  ClientOptions client_options = OptionsOf(options, place, training, model.tensors(), state);
  client_options.snapshots = SnapshotsOf(model, optimizer);
  client_options.scale_learning_rate = [&optimizer](float factor) {
    optimizer.ScaleLearningRate(factor);
  };
  absl::StatusOr<std::unique_ptr<Client>> created = Client::Create(std::move(client_options));
  if (!created.ok()) {
    return created.status();
  }
  std::shared_ptr<Client> client = *std::move(created);
  hooks.after_forward = [client](const StepLosses& step) {
    client->Report(step.step, step.losses, step.example_ids);
  };
  hooks.command_hash =
      [client, tensors = std::make_shared<std::vector<Tensor>>(TensorsOf(model.tensors()))] {
        return client->AwaitCommandHash(*tensors);
      };
  hooks.after_step = [client](const FinishedStep& step) -> absl::StatusOr<StepOutcome> {
    StepResult result = step.is_last ? client->Discard()
                                     : client->Apply({.min = step.totals.least_command,
                                                      .max = step.totals.greatest_command});
    // A snapshot is a command too, and changes nothing.
    StepOutcome outcome = {.perturbed = result.perturbed + result.non_finite > 0,
                           .restarted_tensors = std::move(result.reset_optimizer_state),
                           .generation = result.generation};
    if (result.decision) {
      outcome.temperature = result.decision->observation().temperature();
    }
    return outcome;
  };
  hooks.before_pause = [client](std::string_view reason) { client->Pause(reason, kLongestPause); };
  if (hooks.save_checkpoint && place.rank == 0) {
    hooks.save_checkpoint = [client,
                             save = std::move(hooks.save_checkpoint)](const TrainingState& saved) {
      absl::Status status = save(saved);
      if (status.ok() && saved.step > 0) {
        client->Checkpointed(saved.step - 1);
      }
      return status;
    };
  }
  return client;
}

}  // namespace lehr
