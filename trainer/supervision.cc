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

ClientOptions OptionsOf(const SupervisionOptions& options, const SupervisedTraining& training,
                        absl::Span<const ModelTensor> tensors, const TrainingState& state) {
  ClientOptions client;
  client.supervisor = options.address;
  client.run_id = options.run;
  client.resume_step = state.step;
  *client.settings.mutable_policy() = PolicyOf(options, training.steps);
  // reheat looks at the whole data set; a step that has all of it needs no table of it.
  if (options.policy == "reheat" && training.examples_in_batches > 0) {
    client.settings.set_scope(v1::LOSS_SCOPE_DATASET);
    client.settings.set_dataset_examples(training.examples_in_batches);
  }
  client.settings.set_run_seed(training.seed);
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
                                                  const SupervisedTraining& training, Mlp& model,
                                                  const TrainingState& state,
                                                  TrainingHooks& hooks) {
  absl::StatusOr<std::unique_ptr<Client>> created =
      Client::Create(OptionsOf(options, training, model.tensors(), state));
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
