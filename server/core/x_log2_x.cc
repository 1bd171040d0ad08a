#include "server/core/x_log2_x.h"

#include "server/core/fixed_log2.h"

namespace lehr {
namespace {

// The coefficients are formed with this many bits behind the point, far beyond their last bit.
constexpr int kPoint = 160;

// log2(e), cut behind 120 bits.
BigInteger Log2OfE() { return BigInteger("0x171547652b82fe1777d0ffda0d23a7d") << (kPoint - 120); }

BigInteger PowerOfTwo(int exponent) { return BigInteger(1) << exponent; }

// Both give value * 2^(bits - kPoint) as an integer; Boost's >> rounds down.
int64_t RoundToNearest(const BigInteger& value, int bits) {
  const int dropped = kPoint - bits;
  return static_cast<int64_t>((value + PowerOfTwo(dropped - 1)) >> dropped);
}

int64_t RoundUp(const BigInteger& value, int bits) {
  return -static_cast<int64_t>(-value >> (kPoint - bits));
}

}  // namespace

const XLog2X& XLog2X::Table() {
  static const XLog2X table;
  return table;
}

XLog2X::XLog2X() {
  constexpr int kThirdBits = kFractionBits + kSlopeShift + kCurvatureShift;
  const BigInteger log2_of_e = Log2OfE();
  const BigInteger one = PowerOfTwo(kPoint);
  const BigInteger h = 1 << (kIntervalBits - 1);
  for (int j = 0; j < kIntervals; ++j) {
    const BigInteger v = (j << kIntervalBits) + h;
    const BigInteger c = PowerOfTwo(23) + v;
    const BigInteger logarithm = (FixedLog2(c) - (BigInteger(23) << kFixedLog2Bits))
                                 << (kPoint - kFixedLog2Bits);
    const BigInteger g4 = log2_of_e / (12 * c * c * c);
    const BigInteger g3 = -log2_of_e / (6 * c * c);
    const BigInteger g2 = log2_of_e / (2 * c) - one / PowerOfTwo(24) + g4 * h * h;
    const BigInteger g1 =
        logarithm + log2_of_e - (3 * PowerOfTwo(23) + 2 * v) * one / PowerOfTwo(24);
    const BigInteger g0 = c * logarithm - (3 * PowerOfTwo(23) * v + v * v) * one / PowerOfTwo(24) -
                          g4 * h * h * h * h / 8;
    value_[j] = RoundUp(g0 - g1 * h + g2 * h * h - g3 * h * h * h, kFractionBits);
    slope_[j] = RoundToNearest(g1 - 2 * g2 * h + 3 * g3 * h * h, kFractionBits + kSlopeShift);
    curvature_[j] = RoundToNearest(g2 - 3 * g3 * h, kThirdBits);
    third_[j] = static_cast<int32_t>(RoundToNearest(g3, kThirdBits));
  }
}

}  // namespace lehr
