#include "server/core/fixed_log2.h"

namespace lehr {

// Bit by bit: log2(y^2) = 2 log2(y), so squaring a y in [1, 2) moves the next bit of its logarithm
// before the point, where it shows as y^2 >= 2. What the cuts lose, 2^-127 of y in each round,
// weighs half as much from one round to the next.
BigInteger FixedLog2(const BigInteger& value) {
  using Unsigned256 = boost::multiprecision::uint256_t;
  constexpr int kPoint = 127;
  const int whole = static_cast<int>(msb(value));
  Unsigned256 y(whole <= kPoint ? BigInteger(value << (kPoint - whole))
                                : BigInteger(value >> (whole - kPoint)));
  BigInteger logarithm = whole;
  for (int bit = 0; bit < kFixedLog2Bits; ++bit) {
    y = (y * y) >> kPoint;
    const bool above_two = bit_test(y, kPoint + 1);
    if (above_two) {
      y >>= 1;
    }
    logarithm = (logarithm << 1) + (above_two ? 1 : 0);
  }
  return logarithm;
}

}  // namespace lehr
