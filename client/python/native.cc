// The noise for other languages: a C interface over client/core, built as liblehr_noise.so. The
// Python package is its user; client/python/lehr/noise/native.py has the same declarations.
//
// Threading: lehr_noise_perturb and lehr_noise_fill are pure apart from what they write;
// lehr_noise_use_target is for tests, while no noise is made.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "client/core/float_environment.h"
#include "client/core/noise.h"
#include "client/core/noise_reference.h"
#include "client/core/noise_targets.h"
#include "client/core/target_update.h"

#define LEHR_EXPORTED extern "C" __attribute__((visibility("default")))

namespace lehr {
namespace {

// The plain loops of noise_reference.h, as one more target.
constexpr char kReference[] = "reference";
bool use_reference = false;

template <typename Element>
absl::Span<Element> Values(void* values, std::uint64_t count) {
  return absl::MakeSpan(static_cast<Element*>(values), count);
}

TensorValues ValuesOf(std::int32_t element_type, void* values, std::uint64_t count) {
  switch (element_type) {
    case 1:
      return Values<double>(values, count);
    case 2:
      return Values<Bfloat16>(values, count);
    case 3:
      return Values<Float16>(values, count);
    default:
      return Values<float>(values, count);
  }
}

LEHR_NOINLINE UpdateCounts UpdateByReference(absl::Span<const UpdateTarget> targets) {
  UpdateCounts counts;
  for (const UpdateTarget& target : targets) {
    const auto update_runs = [&](const auto& values) {
      RunsOf(*target.tensor)
          .ForEach(0, values.size(),
                   [&](std::uint64_t index, std::uint64_t offset, std::uint64_t length) {
                     counts += reference::UpdateRange(target.update, index,
                                                      values.subspan(offset, length));
                   });
    };
    std::visit(update_runs, target.tensor->values);
  }
  return counts;
}

}  // namespace
}  // namespace lehr

struct lehr_noise_update {
  std::uint64_t seed, tensor_id;
  float shrink, sigma;
  std::int32_t element_type;   // 0 binary32, 1 binary64, 2 bfloat16, 3 binary16
  std::int32_t dimensions;     // At least 1; a flat range is one dimension.
  const std::uint64_t* shape;  // Of the unsharded tensor; shape[0] is not looked at.
  const std::uint64_t* start;
  const std::uint64_t* size;
  void* values;  // Contiguous, row-major in `size`.
};

struct lehr_noise_counts {
  std::uint64_t perturbed, non_finite_kept, unchanged;
};

namespace lehr {
namespace {

Tensor TensorOf(const lehr_noise_update& update) {
  const auto dimensions = static_cast<std::size_t>(update.dimensions);
  TensorSlice slice = {.shape = {update.shape, update.shape + dimensions},
                       .start = {update.start, update.start + dimensions},
                       .size = {update.size, update.size + dimensions}};
  slice.shape[0] = slice.start[0] + slice.size[0];
  const std::uint64_t count =
      std::accumulate(slice.size.begin(), slice.size.end(), std::uint64_t{1}, std::multiplies<>());
  return {.name = {},
          .values = ValuesOf(update.element_type, update.values, count),
          .slice = std::move(slice)};
}

}  // namespace
}  // namespace lehr

// Perturbs one part of a tensor after another, on `threads` threads (0: as many as pay), and adds
// to the counts.
LEHR_EXPORTED void lehr_noise_perturb(const lehr_noise_update* updates, std::uint64_t count,
                                      std::uint32_t threads, lehr_noise_counts* counts) {
  std::vector<lehr::Tensor> tensors;
  std::vector<lehr::UpdateTarget> targets;
  tensors.reserve(count);
  for (const lehr_noise_update& update : absl::MakeConstSpan(updates, count)) {
    tensors.push_back(lehr::TensorOf(update));
    targets.push_back({.update = {.seed = update.seed,
                                  .tensor_id = update.tensor_id,
                                  .shrink = update.shrink,
                                  .sigma = update.sigma},
                       .tensor = &tensors.back()});
  }
  lehr::UpdateCounts made;
  if (lehr::use_reference) {
    const lehr::ScopedFloatEnvironment environment;
    made = lehr::UpdateByReference(targets);
  } else {
    made = lehr::UpdateTargets(targets, threads);
  }
  counts->perturbed += made.perturbed;
  counts->non_finite_kept += made.non_finite_kept;
  counts->unchanged += made.unchanged;
}

// out[i] is the noise of the element first_index + i.
LEHR_EXPORTED void lehr_noise_fill(std::uint64_t seed, std::uint64_t tensor_id,
                                   std::uint64_t first_index, float* out, std::uint64_t count) {
  if (lehr::use_reference) {
    const lehr::ScopedFloatEnvironment environment;
    lehr::reference::FillNoise(seed, tensor_id, first_index, absl::MakeSpan(out, count));
  } else {
    lehr::FillNoise(seed, tensor_id, first_index, absl::MakeSpan(out, count));
  }
}

// The instruction sets that there are, the best first, and the plain loops; separated by spaces.
LEHR_EXPORTED const char* lehr_noise_targets() {
  static const std::string* const names =
      new std::string(absl::StrJoin(lehr::NoiseTargets(), " ") + " " + lehr::kReference);
  return names->c_str();
}

// Those that the library has code for; not every CPU can run them.
LEHR_EXPORTED const char* lehr_noise_built_targets() {
  static const std::string* const names =
      new std::string(absl::StrJoin(lehr::BuiltNoiseTargets(), " "));
  return names->c_str();
}

// One of those names, or "" for the best. Not 0: there is none of that name.
LEHR_EXPORTED int lehr_noise_use_target(const char* name) {
  lehr::use_reference = name == std::string_view(lehr::kReference);
  return lehr::use_reference || lehr::UseNoiseTarget(name) ? 0 : 1;
}

LEHR_EXPORTED const char* lehr_noise_spec() { return lehr::kNoiseSpec.data(); }
