// Version 1 of x * log2(x) in fixed point: what a loss adds to the entropy's sum.
//
// A positive loss is l = m * 2^(e - 23) with a mantissa 2^23 <= m < 2^24, so that
//
//   l * log2(l) = 2^(e - 23) * (e * m + X(m)),   X(m) = m * log2(m / 2^23)
//
// and only X needs a logarithm. It is *specified* here by integer operations, so that every CPU has
// the same bits; another specification is another version. In units of 2^-31, with u = m - 2^23:
//
//   X(m) = (3 * 2^23 * u + u^2) * 2^7 + R(u)
//
// The parabola, whose sums are those of u and u^2, is within 0.7 % of 2^23: the rest R is so small
// that 2^16 of them fit an int64. With j = u >> 13, d = u & (2^13 - 1) and >> rounding down,
//
//   R(u) = value[j] + ((slope[j] + ((curvature[j] + third[j] * d) * d >> 28)) * d >> 14)
//
// The coefficients: c = 2^23 + 2^13 j + 2^12 is the middle of interval j, h = 2^12, w = d - h, and
// g0..g4 are the Taylor coefficients at c of m * log2(m / 2^23) - (3 * 2^23 * u + u^2) / 2^24:
//
//   g0 = c * log2(c / 2^23) - (3 * 2^23 * v + v^2) / 2^24, v = c - 2^23
//   g1 = log2(c / 2^23) + log2(e) - (3 * 2^23 + 2 v) / 2^24
//   g2 = log2(e) / (2 c) - 2^-24      g3 = -log2(e) / (6 c^2)      g4 = log2(e) / (12 c^3)
//
// w^4 is replaced by h^2 w^2 - h^4 / 8, off by at most h^4 / 8 (Chebyshev), and what is left,
// G0 + G1 w + G2 w^2 + G3 w^3, is written in d:
//
//   value     = 2^31 (G0 - G1 h + G2 h^2 - G3 h^3)      rounded up: the last >> rounds down
//   slope     = 2^45 (G1 - 2 G2 h + 3 G3 h^2)           rounded to nearest
//   curvature = 2^73 (G2 - 3 G3 h)                      rounded to nearest
//   third     = 2^73 G3                                 rounded to nearest
//
// |X(m) * 2^-31 - m * log2(m / 2^23)| < 2^-49.9 m: as a logarithm it is right to 2^-49.9.
#ifndef LEHR_SERVER_CORE_X_LOG2_X_H_
#define LEHR_SERVER_CORE_X_LOG2_X_H_

#include <array>
#include <cstdint>

namespace lehr {

inline constexpr uint32_t kXLog2XVersion = 1;

// The table of R. Immutable.
class XLog2X {
 public:
  // Bits of X behind the point.
  static constexpr int kFractionBits = 31;

  // Built at the first call, within about 10 ms. Thread-safe.
  static const XLog2X& Table();

  // R of u in [0, 2^23).
  int64_t Rest(uint32_t u) const {
    const uint32_t j = u >> kIntervalBits;
    const int64_t d = u & ((1 << kIntervalBits) - 1);
    int64_t rest = (curvature_[j] + third_[j] * d) * d >> kCurvatureShift;
    rest = (slope_[j] + rest) * d >> kSlopeShift;
    return value_[j] + rest;
  }

 private:
  static constexpr int kIntervalBits = 13;
  static constexpr int kIntervals = 1 << (23 - kIntervalBits);
  static constexpr int kSlopeShift = 14;
  static constexpr int kCurvatureShift = 28;

  XLog2X();

  std::array<int64_t, kIntervals> value_;
  std::array<int64_t, kIntervals> slope_;
  std::array<int64_t, kIntervals> curvature_;
  std::array<int32_t, kIntervals> third_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_X_LOG2_X_H_
