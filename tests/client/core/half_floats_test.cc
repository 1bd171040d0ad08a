#include "client/core/half_floats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

namespace lehr {
namespace {

// A finite number by the definition of its format, in double, where all of them are exact.
double Meaning(std::uint16_t bits, int exponent_bits) {
  const int fraction_bits = 15 - exponent_bits;
  const int exponent = bits >> fraction_bits & ((1 << exponent_bits) - 1);
  const int fraction = bits & ((1 << fraction_bits) - 1);
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, 1 - bias - fraction_bits)
                    : std::ldexp((1 << fraction_bits) + fraction, exponent - bias - fraction_bits);
  return bits >> 15 ? -magnitude : magnitude;
}

template <typename Half>
std::uint16_t Narrowed(double value) {
  Half narrowed;
  Narrow(static_cast<float>(value), narrowed);
  return narrowed.bits;
}

template <typename Half>
void ExpectEveryFiniteNumberIsExact(int exponent_bits, std::uint16_t infinity) {
  for (std::uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    if ((bits & 0x7FFF) < infinity) {
      const auto half = static_cast<std::uint16_t>(bits);
      const double meaning = Meaning(half, exponent_bits);
      EXPECT_EQ(Widened(Half{half}), meaning) << bits;
      EXPECT_EQ(std::signbit(Widened(Half{half})), bits >> 15 == 1) << bits;
      EXPECT_EQ(Narrowed<Half>(meaning), half == 0x8000 ? 0x8000 : half) << bits;
    }
  }
}

// Half way between two neighbours, which binary32 holds, and next to it on both sides. The number
// beyond the greatest is what it would be without the bound of the exponent.
template <typename Half>
void ExpectTiesGoToEven(int exponent_bits, std::uint16_t infinity) {
  for (std::uint16_t bits = 0; bits < infinity; ++bits) {
    const double below = Meaning(bits, exponent_bits);
    const double step = bits + 1 == infinity
                            ? below - Meaning(static_cast<std::uint16_t>(bits - 1), exponent_bits)
                            : Meaning(static_cast<std::uint16_t>(bits + 1), exponent_bits) - below;
    const auto middle = static_cast<float>(below + step / 2);
    const std::uint16_t even = bits + (bits & 1);
    ASSERT_EQ(middle, below + step / 2) << bits;
    EXPECT_EQ(Narrowed<Half>(middle), even) << bits;
    EXPECT_EQ(Narrowed<Half>(-middle), even | 0x8000) << bits;
    EXPECT_EQ(Narrowed<Half>(std::nextafter(middle, 0.0f)), bits) << bits;
    EXPECT_EQ(Narrowed<Half>(std::nextafter(middle, std::numeric_limits<float>::max())), bits + 1)
        << bits;
  }
}

template <typename Half>
void ExpectNonFinite(std::uint16_t infinity) {
  EXPECT_EQ(Widened(Half{infinity}), std::numeric_limits<float>::infinity());
  EXPECT_EQ(Widened(Half{static_cast<std::uint16_t>(infinity | 0x8000)}),
            -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(Widened(Half{static_cast<std::uint16_t>(infinity + 1)})));
  EXPECT_EQ(Narrowed<Half>(std::numeric_limits<float>::infinity()), infinity);
}

TEST(HalfFloats, EveryFiniteNumberIsExact) {
  ExpectEveryFiniteNumberIsExact<Bfloat16>(/*exponent_bits=*/8, /*infinity=*/0x7F80);
  ExpectEveryFiniteNumberIsExact<Float16>(/*exponent_bits=*/5, /*infinity=*/0x7C00);
}

TEST(HalfFloats, TiesGoToEven) {
  ExpectTiesGoToEven<Bfloat16>(/*exponent_bits=*/8, /*infinity=*/0x7F80);
  ExpectTiesGoToEven<Float16>(/*exponent_bits=*/5, /*infinity=*/0x7C00);
}

TEST(HalfFloats, InfinityAndNaNAreKnown) {
  ExpectNonFinite<Bfloat16>(/*infinity=*/0x7F80);
  ExpectNonFinite<Float16>(/*infinity=*/0x7C00);
}

}  // namespace
}  // namespace lehr
