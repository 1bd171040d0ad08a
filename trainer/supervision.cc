#include "trainer/supervision.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace lehr {
namespace {

// An evaluation of the bundled data sets takes seconds; the supervisor waits this long at most.
constexpr absl::Duration kLongestPause = absl::Minutes(10);

ClientOptions OptionsOf(const SupervisionOptions& options, int64_t examples, uint64_t seed,
                        absl::Span<const ModelTensor> tensors, const TrainingState& state) {
  ClientOptions client;
  client.supervisor = options.address;
  client.run_id = options.run;
  client.resume_step = state.step;
  v1::Policy& policy = *client.settings.mutable_policy();
  policy.mutable_error_driven()->set_base_noise_level(options.base_noise_level);
  policy.mutable_error_driven()->set_min_imbalance(options.min_imbalance);
  policy.set_observe(options.policy == "observe");
  client.settings.set_run_seed(seed);
  if (options.scope == "dataset") {
    client.settings.set_scope(v1::LOSS_SCOPE_DATASET);
    client.settings.set_dataset_examples(static_cast<uint64_t>(examples));
  }
  for (const ModelTensor& tensor : tensors) {
    client.tensors.push_back({.name = tensor.name, .reference_stddev = tensor.reference_stddev});
  }
  return client;
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
                                                  int64_t examples, uint64_t seed, Mlp& model,
                                                  const TrainingState& state,
                                                  TrainingHooks& hooks) {
  absl::StatusOr<std::unique_ptr<Client>> created =
      Client::Create(OptionsOf(options, examples, seed, model.tensors(), state));
  if (!created.ok()) {
    return created.status();
  }
  std::shared_ptr<Client> client = *std::move(created);
  hooks.after_step = [client, tensors = TensorsOf(model.tensors())](
                         const FinishedStep& step) -> absl::StatusOr<StepOutcome> {
    StepResult result = step.is_last
                            ? client->LastStep(step.step, step.losses, step.example_ids)
                            : client->Step(step.step, step.losses, step.example_ids, tensors);
    StepOutcome outcome = {.perturbed = result.applied,
                           .restarted_tensors = std::move(result.reset_optimizer_state),
                           .generation = result.generation};
    if (result.decision) {
      outcome.temperature = result.decision->observation().temperature();
    }
    return outcome;
  };
  hooks.before_pause = [client](std::string_view reason) { client->Pause(reason, kLongestPause); };
  if (hooks.save_checkpoint) {
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
