#include "server/core/fixed_log2.h"

#include <gtest/gtest.h>

namespace lehr {
namespace {

// `expected`: floor(log2(value) * 2^96) by mpmath with 1200 bits.
void ExpectLogarithm(const BigInteger& value, const BigInteger& expected) {
  const BigInteger logarithm = FixedLog2(value);
  EXPECT_LE(logarithm, expected) << value;
  EXPECT_GE(logarithm + 1, expected) << value;
}

TEST(FixedLog2, IsExactForPowersOfTwo) {
  for (const int exponent : {0, 1, 64, 127, 128, 600}) {
    EXPECT_EQ(FixedLog2(BigInteger(1) << exponent), BigInteger(exponent) << kFixedLog2Bits);
  }
}

TEST(FixedLog2, AgreesWithArbitraryPrecision) {
  ExpectLogarithm(3, BigInteger("0x195c01a39fbd6879fa00b120a"));
  ExpectLogarithm(10000000, BigInteger("0x1740e5284a6f0333d000cf03ec"));
  ExpectLogarithm((BigInteger(1) << 64) - 1, BigInteger("0x3ffffffffffffffffe8eab89ad"));
}

TEST(FixedLog2, TakesIntegersWiderThanItsMantissa) {
  ExpectLogarithm((BigInteger(1) << 300) + 1, BigInteger("0x12c000000000000000000000000"));
  ExpectLogarithm(pow(BigInteger(5), 200), BigInteger("0x1d062b7ece0f6125aa4a963ddd2"));
}

}  // namespace
}  // namespace lehr
