#include "trainer/result.h"

#include <zlib.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace lehr {
namespace {

template <typename Value>
uLong Extend(uLong checksum, absl::Span<const Value> values) {
  return crc32_z(checksum, reinterpret_cast<const Bytef*>(values.data()),
                 values.size() * sizeof(Value));
}

}  // namespace

std::string ToString(StopReason reason) {
  switch (reason) {
    case StopReason::kSteps:
      return "steps";
    case StopReason::kStopLoss:
      return "stop_loss";
    case StopReason::kLossNotFinite:
      return "loss_not_finite";
    case StopReason::kInterrupted:
      return "interrupted";
  }
  return "unknown";
}

std::string ParameterChecksum(absl::Span<const ModelTensor> tensors) {
  uLong checksum = crc32_z(0, nullptr, 0);
  for (const ModelTensor& tensor : tensors) {
    checksum = Extend<float>(checksum, tensor.values);
  }
  return absl::StrFormat("%08x", checksum);
}

std::string DataChecksum(const Dataset& dataset) {
  uLong checksum = crc32_z(0, nullptr, 0);
  for (const Examples* examples : {&dataset.train, &dataset.test}) {
    checksum = Extend(checksum, absl::MakeConstSpan(examples->inputs));
    checksum = Extend(checksum, absl::MakeConstSpan(examples->labels));
  }
  return absl::StrFormat("%08x", checksum);
}

std::string ResultJson(const TrainerOptions& options, int64_t ranks, const Mlp& model,
                       const TrainingState& state, const TrainingOutcome& outcome,
                       double wall_seconds) {
  nlohmann::ordered_json json = {
      {"task", DefaultsOf(options.task).name},
      {"seed", options.seed},
      {"data_seed", options.data.seed},
      {"architecture", ToString(model.architecture())},
      {"parameters", ParameterCount(model.architecture())},
      {"init", ToString(options.initial)},
      {"loss", ToString(options.loss)},
      {"optimizer", ToString(options.optimizer.kind)},
      {"learning_rate", options.optimizer.learning_rate},
      {"ranks", ranks},
      {"steps", state.step},
      {"stop_reason", ToString(outcome.stop_reason)},
      {"message", outcome.message},
      {"final_train_accuracy", outcome.train.accuracy},
      {"best_train_accuracy", state.best_train_accuracy},
      {"final_test_accuracy", nullptr},
      {"best_test_accuracy", nullptr},
      {"final_loss", outcome.train.mean_loss},
      {"final_test_loss", nullptr},
      {"losses_by_example", outcome.losses_by_example},
      {"perturbations_applied", state.perturbations_applied},
      {"supervisor", nullptr},
      {"parameter_crc32", ParameterChecksum(model.tensors())},
      {"wall_seconds", wall_seconds},
  };
  if (outcome.test.has_value()) {
    json["final_test_accuracy"] = outcome.test->accuracy;
    json["best_test_accuracy"] = state.best_test_accuracy;
    json["final_test_loss"] = outcome.test->mean_loss;
  }
  if (options.supervision.has_value()) {
    json["supervisor"] = {
        {"address", options.supervision->address},
        {"run", options.supervision->run},
        {"generation", state.generation},
        {"policy", options.supervision->policy},
        {"scope", options.supervision->scope},
        {"base_noise_level", options.supervision->base_noise_level},
        {"min_imbalance", options.supervision->min_imbalance},
        {"lag", options.supervision->lag},
    };
  }
  return json.dump(/*indent=*/2) + "\n";
}

std::string ResultLine(const TrainerOptions& options, const TrainingState& state,
                       const TrainingOutcome& outcome, double wall_seconds) {
  std::string line =
      absl::StrFormat("%s, seed %d: %d steps in %.3g s (%s), train accuracy %.1f %%",
                      std::string(DefaultsOf(options.task).name), options.seed, state.step,
                      wall_seconds, ToString(outcome.stop_reason), 100 * outcome.train.accuracy);
  if (outcome.test.has_value()) {
    absl::StrAppendFormat(&line, ", test accuracy %.1f %%", 100 * outcome.test->accuracy);
  }
  absl::StrAppendFormat(&line, ", loss %.4g", outcome.train.mean_loss);
  if (options.supervision.has_value()) {
    absl::StrAppend(&line, ", perturbations ", state.perturbations_applied);
  }
  return line;
}

}  // namespace lehr
