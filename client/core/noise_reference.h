// The noise and the update one element at a time, as proto/lehr/v1/NOISE.md writes them down: what
// the fast code is held against, and what it uses where a vector would not be full.
//
// Threading: pure. Needs the floating-point environment of the contract (float_environment.h).
#ifndef LEHR_CLIENT_CORE_NOISE_REFERENCE_H_
#define LEHR_CLIENT_CORE_NOISE_REFERENCE_H_

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "client/core/box_muller.h"
#include "client/core/half_floats.h"
#include "client/core/noise_update.h"
#include "client/core/philox.h"

namespace lehr::reference {

inline constexpr std::uint64_t kBlockSize = 4;

// The elements 4 block to 4 block + 3 of the tensor.
inline std::array<float, kBlockSize> NoiseBlock(std::uint64_t seed, std::uint64_t tensor_id,
                                                std::uint64_t block) {
  const PhiloxBlock words = Philox4x32(
      {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
       static_cast<std::uint32_t>(tensor_id), static_cast<std::uint32_t>(tensor_id >> 32)},
      {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  const auto [z0, z1] = BoxMuller(words[0], words[1]);
  const auto [z2, z3] = BoxMuller(words[2], words[3]);
  return {z0, z1, z2, z3};
}

inline float NoiseAt(std::uint64_t seed, std::uint64_t tensor_id, std::uint64_t index) {
  return NoiseBlock(seed, tensor_id, index / kBlockSize)[index % kBlockSize];
}

inline float Updated(float theta, float z, const NoiseUpdate& update) {
  return update.shrink * theta + update.sigma * z;
}

inline double Updated(double theta, float z, const NoiseUpdate& update) {
  return double{update.shrink} * theta + double{update.sigma} * double{z};
}

template <typename Real>
void UpdateElement(Real& theta, float z, const NoiseUpdate& update, UpdateCounts& counts) {
  if (!std::isfinite(theta)) {
    ++counts.non_finite_kept;
    return;
  }
  theta = Updated(theta, z, update);
  ++counts.perturbed;
}

template <typename Half>
requires(sizeof(Half) == 2) void UpdateElement(Half& theta, float z, const NoiseUpdate& update,
                                               UpdateCounts& counts) {
  const float wide = Widened(theta);
  if (!std::isfinite(wide)) {
    ++counts.non_finite_kept;
    return;
  }
  const Half before = theta;
  Narrow(Updated(wide, z, update), theta);
  ++counts.perturbed;
  counts.unchanged += theta.bits == before.bits;
}

inline void FillNoise(std::uint64_t seed, std::uint64_t tensor_id, std::uint64_t first_index,
                      absl::Span<float> out) {
  for (std::size_t filled = 0; filled < out.size();) {
    const std::uint64_t index = first_index + filled;
    const auto block = NoiseBlock(seed, tensor_id, index / kBlockSize);
    for (std::size_t i = index % kBlockSize; i < kBlockSize && filled < out.size(); ++i) {
      out[filled++] = block[i];
    }
  }
}

template <typename Element>
UpdateCounts UpdateRange(const NoiseUpdate& update, std::uint64_t first_index,
                         absl::Span<Element> values) {
  UpdateCounts counts;
  for (std::size_t done = 0; done < values.size();) {
    const std::uint64_t index = first_index + done;
    const auto block = NoiseBlock(update.seed, update.tensor_id, index / kBlockSize);
    for (std::size_t i = index % kBlockSize; i < kBlockSize && done < values.size(); ++i) {
      UpdateElement(values[done++], block[i], update, counts);
    }
  }
  return counts;
}

}  // namespace lehr::reference

#endif  // LEHR_CLIENT_CORE_NOISE_REFERENCE_H_
