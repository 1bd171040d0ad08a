#include "tests/study/efficacy/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lehr {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

// R: prop.test(81, 263, correct = FALSE)$conf.int, the example of Newcombe (1998).
TEST(Comparison, WilsonIntervalOfNewcombesExample) {
  const Interval interval = WilsonInterval(81, 263);
  EXPECT_NEAR(interval.low, 0.2553, 5e-5);
  EXPECT_NEAR(interval.high, 0.3662, 5e-5);
}

TEST(Comparison, WilsonIntervalStaysInBounds) {
  EXPECT_EQ(WilsonInterval(0, 10).low, 0);
  EXPECT_NEAR(WilsonInterval(0, 10).high, 0.2775, 5e-5);
  EXPECT_DOUBLE_EQ(WilsonInterval(10, 10).high, 1);
  EXPECT_LE(WilsonInterval(10, 10).high, 1);
}

// 2 (1 + 10) / 2^10.
TEST(Comparison, SignTestSumsBothTails) {
  EXPECT_NEAR(ExactSignTest(9, 1), 22.0 / 1024, 1e-12);
  EXPECT_NEAR(ExactSignTest(1, 9), 22.0 / 1024, 1e-12);
  EXPECT_EQ(ExactSignTest(0, 0), 1);
  EXPECT_EQ(ExactSignTest(5, 5), 1);
}

// By hand: 0.01 * 3, 0.02 * 2, 0.04 * 1, and never below the one before.
TEST(Comparison, HolmMultipliesByTheTestsThatAreLeft) {
  EXPECT_THAT(
      HolmAdjusted({0.04, 0.01, 0.02}),
      ElementsAre(DoubleNear(0.04, 1e-12), DoubleNear(0.03, 1e-12), DoubleNear(0.04, 1e-12)));
  EXPECT_THAT(HolmAdjusted({0.9, 0.8}), ElementsAre(1, 1));
}

}  // namespace
}  // namespace lehr
