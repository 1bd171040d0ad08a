#include "trainer/matrix_product.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

// By hand:  [1 2 3; 4 5 6] · [7 8; 9 10; 11 12] = [58 64; 139 154]
TEST(MatrixProduct, ByTransposed) {
  const std::vector<float> a = {1, 2, 3, 4, 5, 6};
  const std::vector<float> b = {7, 9, 11, 8, 10, 12};
  std::vector<float> c(4, NAN);
  MultiplyByTransposed(a.data(), b.data(), c.data(), /*rows=*/2, /*columns=*/2, /*depth=*/3);
  EXPECT_THAT(c, ElementsAre(58, 64, 139, 154));
}

TEST(MatrixProduct, Plain) {
  const std::vector<float> a = {1, 2, 3, 4, 5, 6};
  const std::vector<float> b = {7, 8, 9, 10, 11, 12};
  std::vector<float> c(4, NAN);
  Multiply(a.data(), b.data(), c.data(), /*rows=*/2, /*columns=*/2, /*depth=*/3);
  EXPECT_THAT(c, ElementsAre(58, 64, 139, 154));
}

TEST(MatrixProduct, OfTransposed) {
  const std::vector<float> a = {1, 4, 2, 5, 3, 6};
  const std::vector<float> b = {7, 8, 9, 10, 11, 12};
  std::vector<float> c(4, NAN);
  MultiplyTransposed(a.data(), b.data(), c.data(), /*rows=*/2, /*columns=*/2, /*depth=*/3);
  EXPECT_THAT(c, ElementsAre(58, 64, 139, 154));
}

// The same values once as a small product, once as a corner of a large one with zeros elsewhere.
TEST(MatrixProduct, SmallAndLargeAgree) {
  constexpr int64_t kSmall = 4;
  constexpr int64_t kLarge = 40;
  std::vector<float> small_a(kSmall * kSmall);
  std::vector<float> small_b(kSmall * kSmall);
  std::vector<float> large_a(kLarge * kLarge);
  std::vector<float> large_b(kLarge * kLarge);
  for (int64_t i = 0; i < kSmall * kSmall; ++i) {
    small_a[i] = std::sin(static_cast<float>(i));
    small_b[i] = std::cos(static_cast<float>(2 * i));
    large_a[i / kSmall * kLarge + i % kSmall] = small_a[i];
    large_b[i / kSmall * kLarge + i % kSmall] = small_b[i];
  }
  for (const auto& multiply : {MultiplyByTransposed, Multiply, MultiplyTransposed}) {
    std::vector<float> small_c(kSmall * kSmall);
    std::vector<float> large_c(kLarge * kLarge);
    multiply(small_a.data(), small_b.data(), small_c.data(), kSmall, kSmall, kSmall);
    multiply(large_a.data(), large_b.data(), large_c.data(), kLarge, kLarge, kLarge);
    std::vector<float> corner(kSmall * kSmall);
    for (int64_t i = 0; i < kSmall * kSmall; ++i) {
      corner[i] = large_c[i / kSmall * kLarge + i % kSmall];
    }
    EXPECT_THAT(small_c, Pointwise(FloatNear(1e-6F), corner));
  }
}

}  // namespace
}  // namespace lehr
