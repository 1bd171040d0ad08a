// The noise z(seed, tensor, index): numbers from the standard normal distribution that are
// specified to the bit, so that every replica makes the same ones from a command of a hundred
// bytes.
//
// Specification: proto/lehr/v1/NOISE.md. Each z is within 1e-6 of the true Box-Muller number and in
// [-6.67, 6.67]. No state: any part of a tensor gets the numbers that it has in the whole.
// Threading: pure; the caller's rounding direction and FTZ/DAZ do not matter and are left as they
// were.
//
//   std::vector<float> z(1000);
//   FillNoise(seed, TensorId("layers.0.weight"), /*first_index=*/0, absl::MakeSpan(z));

#ifndef LEHR_CLIENT_CORE_NOISE_H_
#define LEHR_CLIENT_CORE_NOISE_H_

#include <cstdint>
#include <string_view>

#include "absl/types/span.h"

namespace lehr {

// The version of the specification. It travels in every perturbation; no other one is understood.
inline constexpr std::string_view kNoiseSpec = "philox4x32-10/box-muller-f32/v1";

// index: row-major in the unsharded tensor. tensor_id: see tensor_name.h.
float NoiseAt(std::uint64_t seed, std::uint64_t tensor_id, std::uint64_t index);

// out[i] = NoiseAt(seed, tensor_id, first_index + i).
void FillNoise(std::uint64_t seed, std::uint64_t tensor_id, std::uint64_t first_index,
               absl::Span<float> out);

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_NOISE_H_
