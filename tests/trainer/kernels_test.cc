#include "trainer/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

namespace lehr {
namespace {

constexpr int64_t kSize = 1003;  // no multiple of a vector's width

std::vector<float> Normals(int64_t size, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(size);
  for (float& value : values) {
    value = normal(generator);
  }
  return values;
}

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(Kernels, TheWidestIsTheFirstSupported) { EXPECT_EQ(&Kernels(), SupportedKernels().front()); }

// The formula, each operation rounded to binary32.
TEST(Kernels, MomentumStepHasTheSameBitsOnEveryInstructionSet) {
  const std::vector<float> gradient = Normals(kSize, 1);
  std::vector<float> expected = Normals(kSize, 2);
  std::vector<float> expected_velocity = Normals(kSize, 3);
  for (int64_t i = 0; i < kSize; ++i) {
    const volatile float decayed = 0.9F * expected_velocity[i];
    const volatile float velocity = decayed + gradient[i];
    const volatile float change = 0.1F * velocity;
    expected_velocity[i] = velocity;
    expected[i] = expected[i] - change;
  }
  for (const KernelSet* kernels : SupportedKernels()) {
    std::vector<float> parameters = Normals(kSize, 2);
    std::vector<float> velocity = Normals(kSize, 3);
    kernels->momentum_step(parameters.data(), velocity.data(), gradient.data(), kSize,
                           /*learning_rate=*/0.1F, /*momentum=*/0.9F);
    EXPECT_TRUE(SameBits(parameters, expected)) << kernels->name;
    EXPECT_TRUE(SameBits(velocity, expected_velocity)) << kernels->name;
  }
}

TEST(Kernels, AdamStepHasTheSameBitsOnEveryInstructionSet) {
  const AdamStep step = {.beta1 = 0.9F,
                         .gain1 = 0.1F,
                         .beta2 = 0.99F,
                         .gain2 = 0.01F,
                         .step_size = 0.02F,
                         .root_correction = 0.3F,
                         .epsilon = 1e-8F};
  const std::vector<float> gradient = Normals(kSize, 1);
  std::vector<float> expected = Normals(kSize, 2);
  for (int64_t i = 0; i < kSize; ++i) {
    const volatile float first = step.gain1 * gradient[i];
    const volatile float gained = step.gain2 * gradient[i];
    const volatile float second = gained * gradient[i];
    const volatile float root = std::sqrt(second) / step.root_correction;
    const volatile float divisor = root + step.epsilon;
    const volatile float scaled = step.step_size * first;
    const volatile float change = scaled / divisor;
    expected[i] = expected[i] - change;
  }
  for (const KernelSet* kernels : SupportedKernels()) {
    std::vector<float> parameters = Normals(kSize, 2);
    std::vector<float> first_moment(kSize);
    std::vector<float> second_moment(kSize);
    kernels->adam_step(parameters.data(), first_moment.data(), second_moment.data(),
                       gradient.data(), kSize, step);
    EXPECT_TRUE(SameBits(parameters, expected)) << kernels->name;
  }
}

struct Shape {
  int64_t rows;
  int64_t columns;
  int64_t depth;
};

class ProductTest : public ::testing::TestWithParam<Shape> {};

// a[i, p] · b[p, j] in binary64, where at(i, p) tells the places of a's and b's values.
template <typename PlaceInA, typename PlaceInB>
void ExpectProduct(const std::vector<float>& a, PlaceInA place_in_a, const std::vector<float>& b,
                   PlaceInB place_in_b, const std::vector<float>& c, const Shape& shape,
                   const char* name) {
  for (int64_t i = 0; i < shape.rows; ++i) {
    for (int64_t j = 0; j < shape.columns; ++j) {
      double sum = 0;
      double magnitude = 0;
      for (int64_t p = 0; p < shape.depth; ++p) {
        const double term = static_cast<double>(a[place_in_a(i, p)]) * b[place_in_b(p, j)];
        sum += term;
        magnitude += std::abs(term);
      }
      // Any order of summation stays within this.
      const double bound = magnitude * static_cast<double>(shape.depth) * 0x1p-23;
      ASSERT_NEAR(c[i * shape.columns + j], sum, bound) << name << " at " << i << ", " << j;
    }
  }
}

TEST_P(ProductTest, AgreesWithBinary64OnEveryInstructionSet) {
  const auto [m, n, k] = GetParam();
  const std::vector<float> a = Normals(m * k, 1);
  const std::vector<float> b = Normals(k * n, 2);
  for (const KernelSet* kernels : SupportedKernels()) {
    std::vector<float> c(m * n, NAN);
    kernels->product_nt(a.data(), b.data(), c.data(), m, n, k);
    ExpectProduct(
        a, [k = k](auto i, auto p) { return i * k + p; }, b,
        [k = k](auto p, auto j) { return j * k + p; }, c, GetParam(), kernels->name);
    kernels->product_nn(a.data(), b.data(), c.data(), m, n, k);
    ExpectProduct(
        a, [k = k](auto i, auto p) { return i * k + p; }, b,
        [n = n](auto p, auto j) { return p * n + j; }, c, GetParam(), kernels->name);
    kernels->product_tn(a.data(), b.data(), c.data(), m, n, k);
    ExpectProduct(
        a, [m = m](auto i, auto p) { return p * m + i; }, b,
        [n = n](auto p, auto j) { return p * n + j; }, c, GetParam(), kernels->name);
  }
}

INSTANTIATE_TEST_SUITE_P(All, ProductTest,
                         ::testing::Values(Shape{1, 1, 1}, Shape{3, 5, 7}, Shape{16, 16, 16},
                                           Shape{17, 33, 65}, Shape{128, 10, 128},
                                           Shape{64, 130, 300}),
                         [](const auto& info) {
                           return std::to_string(info.param.rows) + "x" +
                                  std::to_string(info.param.columns) + "x" +
                                  std::to_string(info.param.depth);
                         });

}  // namespace
}  // namespace lehr
