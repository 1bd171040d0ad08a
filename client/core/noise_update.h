// The update theta' = RN(RN(shrink theta) + RN(sigma z)) of neighbouring elements, in the fastest
// instructions that the CPU has. Every one of them gives the same bits.
//
// Specification: section 7 of proto/lehr/v1/NOISE.md. Threading: pure apart from the values that
// are written. Needs the floating-point environment of the contract (float_environment.h).
#ifndef LEHR_CLIENT_CORE_NOISE_UPDATE_H_
#define LEHR_CLIENT_CORE_NOISE_UPDATE_H_

#include <cstdint>

#include "absl/types/span.h"
#include "client/core/half_floats.h"

namespace lehr {

struct NoiseUpdate {
  std::uint64_t seed = 0;
  std::uint64_t tensor_id = 0;
  float shrink = 1;
  float sigma = 0;
};

struct UpdateCounts {
  // Elements that were computed anew.
  std::uint64_t perturbed = 0;
  // Elements that were infinite or NaN, and stay so.
  std::uint64_t non_finite_kept = 0;
  // Of the perturbed ones in 16 bits, those that kept their bits because the noise was too small.
  std::uint64_t unchanged = 0;

  UpdateCounts& operator+=(const UpdateCounts& other) {
    perturbed += other.perturbed;
    non_finite_kept += other.non_finite_kept;
    unchanged += other.unchanged;
    return *this;
  }
};

// values[i] is the element first_index + i of the tensor.
UpdateCounts UpdateRange(const NoiseUpdate& update, std::uint64_t first_index,
                         absl::Span<float> values);
UpdateCounts UpdateRange(const NoiseUpdate& update, std::uint64_t first_index,
                         absl::Span<double> values);
UpdateCounts UpdateRange(const NoiseUpdate& update, std::uint64_t first_index,
                         absl::Span<Bfloat16> values);
UpdateCounts UpdateRange(const NoiseUpdate& update, std::uint64_t first_index,
                         absl::Span<Float16> values);

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_NOISE_UPDATE_H_
