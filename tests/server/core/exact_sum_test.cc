#include "server/core/exact_sum.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "server/core/big_integer.h"

namespace lehr {
namespace {

BigInteger Shifted(int64_t value, int shift) { return value * (BigInteger(1) << shift); }

TEST(ExactSum, AddsAtAnyPlace) {
  for (const int shift : {0, 1, 63, 64, 65, 127, 128, 250}) {
    ExactSum<6> sum;
    sum.Add(/*value=*/5, shift);
    EXPECT_EQ(ToBigInteger(sum.limbs()), Shifted(5, shift)) << shift;
  }
}

TEST(ExactSum, CarriesThroughAllLimbs) {
  ExactSum<6> sum;
  sum.Add(/*value=*/-1, /*shift=*/0);
  EXPECT_EQ(ToBigInteger(sum.limbs()), -1);
  sum.Add(/*value=*/1, /*shift=*/0);
  EXPECT_EQ(sum, ExactSum<6>());
}

TEST(ExactSum, AgreesWithBigIntegersOnRandomTerms) {
  std::mt19937_64 generator(11);
  ExactSum<7> sum;
  BigInteger expected = 0;
  for (int i = 0; i < 10000; ++i) {
    const auto value = static_cast<int64_t>(generator());
    const int shift = static_cast<int>(generator() % 300);
    sum.Add(value, shift);
    expected += Shifted(value, shift);
    ASSERT_EQ(ToBigInteger(sum.limbs()), expected) << "after term " << i;
  }
}

TEST(ExactSum, AddsValuesOfMoreThan64Bits) {
  ExactSum<6> sum;
  sum.Add(-(Int128{1} << 100), /*shift=*/60);
  EXPECT_EQ(ToBigInteger(sum.limbs()), -(BigInteger(1) << 160));
}

TEST(ExactSum, AddsAnotherSum) {
  ExactSum<6> sum;
  ExactSum<6> other;
  sum.Add(/*value=*/-3, /*shift=*/70);
  other.Add(/*value=*/7, /*shift=*/200);
  sum += other;
  EXPECT_EQ(ToBigInteger(sum.limbs()), Shifted(7, 200) - Shifted(3, 70));
}

TEST(ExactSum, IsWrittenLittleEndianInTwosComplement) {
  ExactSum<1> sum;
  sum.Add(/*value=*/-2, /*shift=*/8);
  std::string bytes;
  sum.AppendTo(bytes);
  EXPECT_EQ(bytes, std::string("\x00\xfe\xff\xff\xff\xff\xff\xff", 8));
  EXPECT_EQ(ExactSum<1>::Parse(bytes), sum);
}

}  // namespace
}  // namespace lehr
