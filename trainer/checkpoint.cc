#include "trainer/checkpoint.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "trainer/atomic_file.h"
#include "trainer/gzip_file.h"
#include "trainer/tensor_file.h"

namespace lehr {
namespace {

constexpr char kFormat[] = "lehr-train 1";

std::string FirstMomentOf(const ModelTensor& tensor) {
  return absl::StrCat("optimizer.first_moment.", tensor.name);
}
std::string SecondMomentOf(const ModelTensor& tensor) {
  return absl::StrCat("optimizer.second_moment.", tensor.name);
}
std::string StepsOf(const ModelTensor& tensor) {
  return absl::StrCat("optimizer.steps.", tensor.name);
}

void StoreState(const TrainingState& state, std::map<std::string, std::string>& metadata) {
  metadata["state.step"] = absl::StrCat(state.step);
  metadata["state.best_train_accuracy"] = absl::StrFormat("%.17g", state.best_train_accuracy);
  metadata["state.best_test_accuracy"] = absl::StrFormat("%.17g", state.best_test_accuracy);
  metadata["state.perturbations_applied"] = absl::StrCat(state.perturbations_applied);
  metadata["state.generation"] = absl::StrCat(state.generation);
  metadata["state.last_applied_step"] = absl::StrCat(state.last_applied_step);
}

// Takes the parts of a decoded file out of it; the first that is missing or malformed is kept as
// the error.
class CheckpointReader {
 public:
  explicit CheckpointReader(TensorFile file) : file_(std::move(file)) {}

  template <typename Integer>
  void TakeInteger(const std::string& name, Integer& value) {
    Check(absl::SimpleAtoi(file_.metadata[name], &value), name);
  }
  void TakeReal(const std::string& name, double& value) {
    Check(absl::SimpleAtod(file_.metadata[name], &value), name);
  }
  void TakeTensor(const std::string& name, size_t size, std::vector<float>& values) {
    values = std::move(file_.tensors[name].values);
    Check(values.size() == size, name);
  }
  TrainingState TakeState() {
    TrainingState state;
    TakeInteger("state.step", state.step);
    TakeReal("state.best_train_accuracy", state.best_train_accuracy);
    TakeReal("state.best_test_accuracy", state.best_test_accuracy);
    TakeInteger("state.perturbations_applied", state.perturbations_applied);
    TakeInteger("state.generation", state.generation);
    TakeInteger("state.last_applied_step", state.last_applied_step);
    return state;
  }

  const absl::Status& status() const { return status_; }

 private:
  void Check(bool is_right, const std::string& name) {
    if (!is_right && status_.ok()) {
      status_ = absl::DataLossError(absl::StrCat("its ", name, " is missing or malformed"));
    }
  }

  TensorFile file_;
  absl::Status status_;
};

absl::Status CheckIdentity(const CheckpointIdentity& wanted,
                           const std::map<std::string, std::string>& metadata) {
  const auto format = metadata.find("format");
  if (format == metadata.end() || format->second != kFormat) {
    return absl::FailedPreconditionError(
        absl::StrCat("it is not a checkpoint of the format \"", kFormat, "\""));
  }
  for (const auto& [name, value] : wanted) {
    const auto found = metadata.find("identity." + name);
    if (found == metadata.end() || found->second != value) {
      return absl::FailedPreconditionError(
          absl::StrCat("its ", name, " is ", found == metadata.end() ? "missing" : found->second,
                       ", not ", value));
    }
  }
  return absl::OkStatus();
}

absl::Status Restore(TensorFile file, const CheckpointIdentity& identity,
                     absl::Span<ModelTensor> tensors, Optimizer& optimizer, TrainingState& state) {
  if (absl::Status status = CheckIdentity(identity, file.metadata); !status.ok()) {
    return status;
  }
  CheckpointReader reader(std::move(file));
  const TrainingState restored_state = reader.TakeState();
  std::vector<std::vector<float>> values(tensors.size());
  std::vector<Optimizer::TensorState> optimizer_states(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Optimizer::TensorState& current = optimizer.states()[i];
    reader.TakeTensor(tensors[i].name, tensors[i].values.size(), values[i]);
    reader.TakeTensor(FirstMomentOf(tensors[i]), current.first_moment.size(),
                      optimizer_states[i].first_moment);
    reader.TakeTensor(SecondMomentOf(tensors[i]), current.second_moment.size(),
                      optimizer_states[i].second_moment);
    reader.TakeInteger(StepsOf(tensors[i]), optimizer_states[i].steps);
  }
  if (!reader.status().ok()) {
    return reader.status();
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    std::copy(values[i].begin(), values[i].end(), tensors[i].values.begin());
    optimizer.states()[i] = std::move(optimizer_states[i]);
  }
  state = restored_state;
  return absl::OkStatus();
}

absl::Status About(const std::string& path, const absl::Status& status) {
  return status.ok() ? status
                     : absl::Status(status.code(), absl::StrCat("checkpoint ", path, ": ",
                                                                std::string(status.message())));
}

}  // namespace

absl::Status SaveCheckpoint(const std::string& path, const CheckpointIdentity& identity,
                            absl::Span<const ModelTensor> tensors, const Optimizer& optimizer,
                            const TrainingState& state) {
  TensorFile file;
  file.metadata["format"] = kFormat;
  for (const auto& [name, value] : identity) {
    file.metadata["identity." + name] = value;
  }
  StoreState(state, file.metadata);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const ModelTensor& tensor = tensors[i];
    const Optimizer::TensorState& optimizer_state = optimizer.states()[i];
    file.tensors[tensor.name] = {tensor.shape, {tensor.values.begin(), tensor.values.end()}};
    file.tensors[FirstMomentOf(tensor)] = {tensor.shape, optimizer_state.first_moment};
    if (!optimizer_state.second_moment.empty()) {
      file.tensors[SecondMomentOf(tensor)] = {tensor.shape, optimizer_state.second_moment};
    }
    file.metadata[StepsOf(tensor)] = absl::StrCat(optimizer_state.steps);
  }
  return ReplaceFile(path, EncodeTensorFile(file));
}

absl::Status LoadCheckpoint(const std::string& path, const CheckpointIdentity& identity,
                            absl::Span<ModelTensor> tensors, Optimizer& optimizer,
                            TrainingState& state) {
  const absl::StatusOr<std::string> bytes = ReadMaybeGzipFile(path);
  if (!bytes.ok()) {
    return bytes.status();
  }
  return RestoreCheckpoint(*bytes, path, identity, tensors, optimizer, state);
}

absl::Status RestoreCheckpoint(std::string_view bytes, const std::string& path,
                               const CheckpointIdentity& identity, absl::Span<ModelTensor> tensors,
                               Optimizer& optimizer, TrainingState& state) {
  absl::StatusOr<TensorFile> file = DecodeTensorFile(bytes);
  if (!file.ok()) {
    return About(path, file.status());
  }
  return About(path, Restore(*std::move(file), identity, tensors, optimizer, state));
}

}  // namespace lehr
