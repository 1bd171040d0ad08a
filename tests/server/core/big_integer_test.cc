#include "server/core/big_integer.h"

#include <gtest/gtest.h>

namespace lehr {
namespace {

BigInteger PowerOfTwo(int exponent) { return BigInteger(1) << exponent; }

TEST(RoundToDouble, KeepsWhatFits) {
  EXPECT_EQ(RoundToDouble(0, /*exponent=*/5), 0);
  EXPECT_EQ(RoundToDouble(3, /*exponent=*/-1), 1.5);
  EXPECT_EQ(RoundToDouble(-3, /*exponent=*/2), -12);
  EXPECT_EQ(RoundToDouble(PowerOfTwo(53) - 1, /*exponent=*/0), 9007199254740991.0);
}

TEST(RoundToDouble, RoundsTiesToEven) {
  EXPECT_EQ(RoundToDouble(PowerOfTwo(53) + 1, /*exponent=*/0), 0x1p53);
  EXPECT_EQ(RoundToDouble(PowerOfTwo(53) + 3, /*exponent=*/0), 0x1p53 + 4);
}

// One bit, 600 places below the tie, decides.
TEST(RoundToDouble, SeesTheLastBitBeyondATie) {
  const BigInteger tie = (PowerOfTwo(53) + 1) << 600;
  EXPECT_EQ(RoundToDouble(tie, /*exponent=*/-600), 0x1p53);
  EXPECT_EQ(RoundToDouble(tie + 1, /*exponent=*/-600), 0x1p53 + 2);
  EXPECT_EQ(RoundToDouble(-tie - 1, /*exponent=*/-600), -0x1p53 - 2);
}

TEST(RoundToDouble, CarriesIntoTheNextPowerOfTwo) {
  EXPECT_EQ(RoundToDouble(PowerOfTwo(100) - 1, /*exponent=*/-100), 1);
}

}  // namespace
}  // namespace lehr
