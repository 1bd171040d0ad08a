#include "client/client_options.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/core/noise.h"
#include "client/core/session.h"
#include "client/core/tensor_name.h"
#include "client/utf8.h"
#include "client/wire.h"

namespace lehr {
namespace {

constexpr size_t kMaxRunId = 128;
constexpr size_t kMaxJobAttempt = 128;
constexpr uint32_t kMaxWorldSize = 65536;
constexpr int64_t kMaxStep = int64_t{1} << 62;
constexpr uint64_t kMaxGeneration = uint64_t{1} << 62;
constexpr size_t kMaxTensors = 65536;
constexpr size_t kMaxTensorName = 512;
constexpr uint32_t kLeastSide = 2;
constexpr uint32_t kMaxSide = uint32_t{1} << 20;
constexpr size_t kMaxLabels = 16;
constexpr size_t kMaxLabel = 63;

template <typename... Parts>
absl::Status Invalid(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

absl::Status CheckAddress(const std::string& supervisor) {
  const size_t colon = supervisor.rfind(':');
  int port = 0;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(supervisor.substr(colon + 1), &port) || port < 1 || port > 65535) {
    return Invalid("supervisor is '", supervisor, "'; it must be HOST:PORT");
  }
  return absl::OkStatus();
}

bool IsRunId(const std::string& id) {
  return !id.empty() && id.size() <= kMaxRunId && absl::ascii_isalnum(id[0]) &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
         });
}

absl::Status CheckTimeout(const char* name, absl::Duration timeout) {
  if (timeout <= absl::ZeroDuration() || timeout > absl::Hours(1)) {
    return Invalid(name, " is ", absl::FormatDuration(timeout), "; it must be in (0, 1h]");
  }
  return absl::OkStatus();
}

absl::Status CheckTensorScales(const std::vector<TensorScale>& tensors) {
  if (tensors.size() > kMaxTensors) {
    return Invalid(tensors.size(), " tensors; at most ", kMaxTensors, " can be declared");
  }
  std::vector<std::string> names;
  for (const TensorScale& tensor : tensors) {
    if (tensor.name.empty() || tensor.name.size() > kMaxTensorName || !IsUtf8(tensor.name)) {
      return Invalid("a tensor's name is '", CutToUtf8(tensor.name, kMaxTensorName),
                     "'; it must be 1 to ", kMaxTensorName, " bytes of UTF-8");
    }
    if (!std::isfinite(tensor.reference_stddev) || tensor.reference_stddev <= 0) {
      return Invalid("the reference_stddev of tensor ", tensor.name, " is ",
                     tensor.reference_stddev, "; it must be finite and > 0");
    }
    if (tensor.side != 0 && (tensor.side < kLeastSide || tensor.side > kMaxSide)) {
      return Invalid("the side of tensor ", tensor.name, " is ", tensor.side, "; it must be in [",
                     kLeastSide, ", ", kMaxSide, "], or 0");
    }
    names.push_back(tensor.name);
  }
  return CheckTensorNames(names);
}

absl::Status CheckLabels(const std::map<std::string, std::string>& labels) {
  if (labels.size() > kMaxLabels) {
    return Invalid(labels.size(), " labels; at most ", kMaxLabels, " can be shown");
  }
  for (const auto& [key, value] : labels) {
    if (key.empty() || key.size() > kMaxLabel || value.size() > kMaxLabel || !IsUtf8(key) ||
        !IsUtf8(value)) {
      return Invalid("label '", CutToUtf8(key, kMaxLabel), "' is '", CutToUtf8(value, kMaxLabel),
                     "'; keys and values must be at most ", kMaxLabel, " bytes of UTF-8");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckPlace(const ClientOptions& options) {
  if (options.world_size < 1 || options.world_size > kMaxWorldSize) {
    return Invalid("world_size is ", options.world_size, "; it must be in [1, ", kMaxWorldSize,
                   "]");
  }
  if (options.rank >= options.world_size) {
    return Invalid("rank is ", options.rank, "; it must be below world_size, ", options.world_size);
  }
  if (options.job_attempt.empty() && options.world_size > 1) {
    return Invalid("job_attempt is empty; the ", options.world_size,
                   " ranks of a job must share one");
  }
  if (options.job_attempt.size() > kMaxJobAttempt || !IsUtf8(options.job_attempt)) {
    return Invalid("job_attempt is '", CutToUtf8(options.job_attempt, kMaxJobAttempt),
                   "'; it must be at most ", kMaxJobAttempt, " bytes of UTF-8");
  }
  if (options.resume_step < 0 || options.resume_step >= kMaxStep) {
    return Invalid("resume_step is ", options.resume_step, "; it must be in [0, 2^62)");
  }
  if (options.resume_generation >= kMaxGeneration) {
    return Invalid("resume_generation is ", *options.resume_generation,
                   "; it must be in [0, 2^62)");
  }
  return absl::OkStatus();
}

// settings.straggler_timeout, or what becomes of it where it is unset.
absl::Duration StragglerTimeout(const ClientOptions& options) {
  if (!options.settings.has_straggler_timeout()) {
    return options.decision_timeout * 3 / 5;
  }
  const google::protobuf::Duration& timeout = options.settings.straggler_timeout();
  return absl::Seconds(timeout.seconds()) + absl::Nanoseconds(timeout.nanos());
}

absl::Status CheckTimeouts(const ClientOptions& options) {
  absl::Status status = CheckTimeout("connect_timeout", options.connect_timeout);
  status.Update(CheckTimeout("decision_timeout", options.decision_timeout));
  if (status.ok() && StragglerTimeout(options) >= options.decision_timeout) {
    return Invalid("decision_timeout is ", absl::FormatDuration(options.decision_timeout),
                   "; it must be longer than settings.straggler_timeout, ",
                   absl::FormatDuration(StragglerTimeout(options)),
                   ", or the client gives up before the supervisor decides");
  }
  return status;
}

absl::Status CheckSnapshots(const SnapshotHooks& hooks) {
  if (hooks.capacity > kMaxSnapshots) {
    return Invalid("snapshots.capacity is ", hooks.capacity, "; it must be at most ",
                   kMaxSnapshots);
  }
  if (hooks.capacity > 0 && !(hooks.save && hooks.restore && hooks.drop)) {
    return Invalid("snapshots.capacity is ", hooks.capacity,
                   "; then save, restore and drop must be set");
  }
  return absl::OkStatus();
}

std::string Nonce() {
  std::random_device random;
  return absl::StrFormat("%08x%08x%08x%08x", random(), random(), random(), random());
}

}  // namespace

absl::Status CheckClientOptions(const ClientOptions& options) {
  if (!IsRunId(options.run_id)) {
    return Invalid("run_id is '", CutToUtf8(options.run_id, 2 * kMaxRunId), "'; it must be 1 to ",
                   kMaxRunId, " characters of A-Z a-z 0-9 . _ -, the first a letter or digit");
  }
  absl::Status status = CheckAddress(options.supervisor);
  status.Update(CheckTlsFiles(options.tls));
  status.Update(CheckPlace(options));
  status.Update(CheckTimeouts(options));
  status.Update(CheckTensorScales(options.tensors));
  status.Update(CheckLabels(options.labels));
  status.Update(CheckSnapshots(options.snapshots));
  if (status.ok() && options.settings.lag() > kMaxLag) {
    return Invalid("settings.lag is ", options.settings.lag(), "; it must be in [0, ", kMaxLag,
                   "]");
  }
  return status;
}

v1::Join MakeJoin(const ClientOptions& options) {
  v1::Join join;
  join.set_run_id(options.run_id);
  join.set_rank(options.rank);
  join.set_world_size(options.world_size);
  join.set_job_attempt(options.job_attempt.empty() ? Nonce() : options.job_attempt);
  join.set_process(Nonce());
  join.set_branch(options.branch);
  join.set_resume_step(options.resume_step);
  if (options.resume_generation) {
    join.set_resume_generation(*options.resume_generation);
  }
  *join.mutable_settings() = options.settings;
  SetDuration(StragglerTimeout(options), *join.mutable_settings()->mutable_straggler_timeout());
  for (const TensorScale& tensor : options.tensors) {
    v1::TensorReference& reference = *join.add_tensors();
    reference.set_name(CanonicalTensorName(tensor.name));
    reference.set_reference_stddev(tensor.reference_stddev);
    reference.set_side(tensor.side);
  }
  join.set_can_agree(options.agree != nullptr || options.can_agree);
  join.add_noise_specs(std::string(kNoiseSpec));
  join.set_shard_id(options.shard_id);
  join.set_client("lehr-cpp " LEHR_VERSION);
  if (options.snapshots.capacity > 0) {
    v1::SnapshotSupport& support = *join.mutable_snapshots();
    support.set_capacity(options.snapshots.capacity);
    support.set_bytes(options.snapshots.bytes);
    support.set_optimizer_state(options.snapshots.optimizer_state);
    support.set_buffers(options.snapshots.buffers);
  }
  join.set_scales_learning_rate(options.scale_learning_rate != nullptr);
  join.mutable_labels()->insert(options.labels.begin(), options.labels.end());
  return join;
}

}  // namespace lehr
