// Box-Muller in binary32 with every rounding specified: two random words make two numbers that are
// normally distributed (mean 0, standard deviation 1), the same bits on every CPU.
//
// Sections 4 to 6 of proto/lehr/v1/NOISE.md, step by step and by the same names. Each statement
// that computes with floats is a specified operation: do not reorder, simplify or fuse. Needs
// -ffp-contract=off and rounding to nearest (see float_environment.h). Threading: pure.

#ifndef LEHR_CLIENT_CORE_BOX_MULLER_H_
#define LEHR_CLIENT_CORE_BOX_MULLER_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#ifdef __FAST_MATH__
#error "the noise contract specifies every rounding: compile without -ffast-math"
#endif
static_assert(FLT_EVAL_METHOD == 0, "floats must be computed in binary32");
static_assert(std::numeric_limits<float>::is_iec559);

namespace lehr {

// c[0] + c[1] x + c[2] x^2 + ..., by Horner's rule.
template <std::size_t kTerms>
float Polynomial(const std::array<float, kTerms>& coefficients, float x) {
  float sum = coefficients.back();
  for (std::size_t term = kTerms - 1; term-- > 0;) {
    sum = sum * x + coefficients[term];
  }
  return sum;
}

// sqrt(-2 ln u), u = max(word, 1) / 2^32 rounded to binary32. In [0, 6.66].
inline float NoiseRadius(std::uint32_t word) {
  constexpr float kHigh = -0x1.62e4p+0f;    // -2 ln 2 to 15 bits: k * kHigh is exact.
  constexpr float kLow = -0x1.7f7d1cp-19f;  // The rest of it.
  constexpr std::array<float, 7> kLogarithm = {0x1.ffff1ep-3f, 0x1.556148p-4f, 0x1.0037fep-5f,
                                               0x1.954278p-7f, 0x1.4c261p-8f,  0x1.5fb248p-9f,
                                               0x1.4d56cep-10f};
  const auto f = static_cast<float>(std::max<std::uint32_t>(word, 1));
  const auto e = static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(f) - 0x4F2AAAABu);
  const auto k = static_cast<float>(e >> 23);
  const auto d = std::bit_cast<float>((e & 0x007FFFFF) + 0x3FAAAAAB);
  const float n = 2.0f - d;
  const float p = n + n * n * Polynomial(kLogarithm, n);
  const float g = k * kHigh + (k * kLow + p);
  return std::sqrt(g);
}

// A point of the unit circle, before the quadrant is applied.
struct NoiseDirection {
  float cosine;  // In [0.707, 1].
  float sine;    // In [-0.708, 0.708].
};

// cos and sin of pi/2 t, where t in [-1/2, 1/2] is what the quadrant's two top bits leave of word.
inline NoiseDirection DirectionInQuadrant(std::uint32_t word) {
  constexpr std::array<float, 4> kSine = {0x1.921fb6p+0f, -0x1.4abbe6p-1f, 0x1.4668e6p-4f,
                                          -0x1.2ef85p-8f};
  constexpr std::array<float, 4> kCosine = {-0x1.3bd3ccp+0f, 0x1.03c1aep-2f, -0x1.55b146p-6f,
                                            0x1.d47d46p-11f};
  const float t = static_cast<float>(static_cast<std::int32_t>(word << 2)) * 0x1p-32f;
  const float s = t * t;
  return {.cosine = 1.0f + Polynomial(kCosine, s) * s, .sine = Polynomial(kSine, s) * t};
}

// The pair (radius cos, radius sin); radius from the first word, angle from the second.
inline std::array<float, 2> BoxMuller(std::uint32_t radius_word, std::uint32_t angle_word) {
  const auto [x, y] = DirectionInQuadrant(angle_word);
  const std::uint32_t odd_quadrant = angle_word >> 30 & 1;
  const std::uint32_t sign = angle_word & 0x80000000;
  const float radius =
      std::bit_cast<float>(std::bit_cast<std::uint32_t>(NoiseRadius(radius_word)) | sign);
  return {radius * (odd_quadrant ? y : x), radius * (odd_quadrant ? x : y)};
}

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_BOX_MULLER_H_
