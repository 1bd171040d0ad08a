#include "server/join_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/core/generation.h"
#include "server/field_error.h"

namespace lehr {
namespace {

constexpr uint32_t kMaxWorldSize = 65536;
constexpr int kMaxTensors = 65536;
constexpr int kMaxHeldDecisions = 4096;
// A rank may lift the supervisor up to what it has seen, but not to where counting on overflows.
constexpr uint64_t kMaxGeneration = uint64_t{1} << 62;
constexpr uint64_t kMaxEpoch = uint64_t{1} << 62;
constexpr uint32_t kMaxSnapshots = 8;
constexpr uint32_t kLeastSide = 2;
constexpr uint32_t kMaxSide = uint32_t{1} << 20;

bool IsRunIdCharacter(char c) { return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-'; }

// Whether a name is without the components that wrappers add, as section 2 of
// proto/lehr/v1/NOISE.md says it is when it travels.
bool IsCanonicalTensorName(std::string_view name) {
  static constexpr std::array<std::string_view, 5> kWrappers = {
      "module", "_orig_mod", "_fsdp_wrapped_module", "_fpw_module", "_checkpoint_wrapped_module"};
  for (size_t dot = name.find('.'); dot != name.npos; dot = name.find('.')) {
    if (std::find(kWrappers.begin(), kWrappers.end(), name.substr(0, dot)) != kWrappers.end()) {
      return false;
    }
    name.remove_prefix(dot + 1);
  }
  return true;
}

absl::Status CheckTensors(const v1::Join& join) {
  if (join.tensors_size() > kMaxTensors) {
    return OutOfBounds("the number of tensors", join.tensors_size(),
                       absl::StrCat("at most ", kMaxTensors));
  }
  std::set<std::string_view> names;
  for (const v1::TensorReference& tensor : join.tensors()) {
    if (absl::Status status = CheckBytes("a tensor's name", tensor.name(), 1, 512); !status.ok()) {
      return status;
    }
    if (!IsCanonicalTensorName(tensor.name())) {
      return OutOfBounds("a tensor's name", Quoted(tensor.name()),
                         "canonical, without the components of wrappers");
    }
    if (!names.insert(tensor.name()).second) {
      return OutOfBounds("a tensor's name", Quoted(tensor.name()), "that of no other tensor");
    }
    if (!(std::isfinite(tensor.reference_stddev()) && tensor.reference_stddev() > 0)) {
      return OutOfBounds(absl::StrCat("reference_stddev of tensor ", Quoted(tensor.name())),
                         tensor.reference_stddev(), "finite and > 0");
    }
    if (tensor.side() != 0 && (tensor.side() < kLeastSide || tensor.side() > kMaxSide)) {
      return OutOfBounds(absl::StrCat("side of tensor ", Quoted(tensor.name())), tensor.side(),
                         absl::StrCat("in [", kLeastSide, ", ", kMaxSide, "], or 0"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckLabels(const v1::Join& join) {
  if (join.labels_size() > 16) {
    return OutOfBounds("the number of labels", join.labels_size(), "at most 16");
  }
  for (const auto& [key, value] : join.labels()) {
    if (absl::Status status = CheckBytes("a label's key", key, 1, 63); !status.ok()) {
      return status;
    }
    if (absl::Status status = CheckBytes(absl::StrCat("label ", Quoted(key)), value, 0, 63);
        !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckRunId(std::string_view run_id) {
  const bool fits = !run_id.empty() && run_id.size() <= 128 && absl::ascii_isalnum(run_id[0]) &&
                    std::all_of(run_id.begin(), run_id.end(), IsRunIdCharacter);
  return fits ? absl::OkStatus()
              : OutOfBounds(
                    "run_id", Quoted(run_id),
                    "1 to 128 letters, digits, '.', '_' and '-', the first a letter or digit");
}

absl::Status CheckJoin(const v1::Join& join) {
  if (absl::Status status = CheckRunId(join.run_id()); !status.ok()) {
    return status;
  }
  if (join.world_size() < 1 || join.world_size() > kMaxWorldSize) {
    return OutOfBounds("world_size", join.world_size(),
                       absl::StrCat("in [1, ", kMaxWorldSize, "]"));
  }
  if (join.rank() >= join.world_size()) {
    return OutOfBounds("rank", join.rank(),
                       absl::StrCat("below the world size ", join.world_size()));
  }
  if (join.job_attempt().size() > 128 ||
      (join.job_attempt().empty() && !join.has_replaces_generation())) {
    return OutOfBounds("job_attempt", Quoted(join.job_attempt()),
                       "1 to 128 bytes, or empty with replaces_generation set");
  }
  if (absl::Status status = CheckBytes("process", join.process(), 1, 64); !status.ok()) {
    return status;
  }
  if (join.generation() >= kMaxGeneration) {
    return OutOfBounds("generation", join.generation(), "below 2^62");
  }
  if (join.highest_epoch() >= kMaxEpoch) {
    return OutOfBounds("highest_epoch", join.highest_epoch(), "below 2^62");
  }
  if (join.resume_step() < 0 || join.resume_step() >= kMaxStep) {
    return OutOfBounds("resume_step", join.resume_step(), "in [0, 2^62)");
  }
  if (join.resume_generation() >= kMaxGeneration) {
    return OutOfBounds("resume_generation", join.resume_generation(), "below 2^62");
  }
  if (join.has_highest_step() && (join.highest_step() < -1 || join.highest_step() >= kMaxStep)) {
    return OutOfBounds("highest_step", join.highest_step(), "in [-1, 2^62)");
  }
  if (join.noise_specs_size() > 16) {
    return OutOfBounds("the number of noise_specs", join.noise_specs_size(), "at most 16");
  }
  if (join.held_size() > kMaxHeldDecisions) {
    return OutOfBounds("the number of held decisions", join.held_size(),
                       absl::StrCat("at most ", kMaxHeldDecisions));
  }
  if (join.has_snapshots() &&
      (join.snapshots().capacity() < 1 || join.snapshots().capacity() > kMaxSnapshots)) {
    return OutOfBounds("snapshots.capacity", join.snapshots().capacity(),
                       absl::StrCat("in [1, ", kMaxSnapshots, "]"));
  }
  if (absl::Status status = CheckBytes("client", join.client(), 0, 128); !status.ok()) {
    return status;
  }
  if (absl::Status status = CheckTensors(join); !status.ok()) {
    return status;
  }
  return CheckLabels(join);
}

}  // namespace lehr
