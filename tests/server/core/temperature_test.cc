#include "server/core/temperature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

namespace lehr {
namespace {

uint64_t SplitMix64(uint64_t seed, uint64_t k) {
  uint64_t z = seed + (k + 1) * 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

// A line of tests/golden/temperature/temperature.txt: a recipe for losses, and what mpmath makes of
// them.
struct GoldenCase {
  std::string name;
  uint64_t seed = 0;
  size_t n = 0;
  uint32_t low = 0;
  uint32_t width = 0;
  uint64_t palette = 0;
  uint64_t zeros = 0;
  uint32_t spike = 0;
  Temperature expected;
  // The losses themselves, by NumPy.
  LossQuantiles expected_quantiles;

  std::vector<float> Losses() const {
    std::vector<float> colours(palette, 0.0f);
    for (uint64_t j = zeros; j < palette; ++j) {
      colours[j] = std::bit_cast<float>(low + static_cast<uint32_t>(SplitMix64(seed, j) % width));
    }
    std::vector<float> losses(n);
    for (size_t i = 0; i < n; ++i) {
      losses[i] = colours[SplitMix64(seed, palette + i) % palette];
    }
    if (spike != 0) {
      losses[n / 2] = std::bit_cast<float>(spike);
    }
    return losses;
  }
};

// How a failing test names its case.
std::ostream& operator<<(std::ostream& out, const GoldenCase& golden) { return out << golden.name; }

std::vector<GoldenCase> ReadGoldenCases() {
  std::ifstream file(LEHR_SOURCE_DIR "/tests/golden/temperature/temperature.txt");
  std::vector<GoldenCase> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) {
      continue;
    }
    GoldenCase golden;
    Temperature& expected = golden.expected;
    std::istringstream fields(line);
    fields >> golden.name >> golden.seed >> golden.n >> golden.low >> golden.width >>
        golden.palette >> golden.zeros >> golden.spike >> expected.magnitude >>
        expected.root_mean_square >> expected.mean >> expected.entropy >> expected.imbalance >>
        expected.unsquared_imbalance >> expected.temperature >> golden.expected_quantiles.p10 >>
        golden.expected_quantiles.p50 >> golden.expected_quantiles.p90;
    EXPECT_TRUE(fields) << line;
    cases.push_back(golden);
  }
  return cases;
}

class TemperatureOf : public testing::TestWithParam<GoldenCase> {};

TEST_P(TemperatureOf, AgreesWithArbitraryPrecision) {
  const GoldenCase& golden = GetParam();
  const Temperature& expected = golden.expected;
  LossStatistics statistics;
  statistics.Add(golden.Losses());
  const Temperature result = ComputeTemperature(statistics);

  constexpr double kRounding = 4e-16;
  const double greatest_entropy = std::log2(static_cast<double>(golden.n));
  const double logarithm_error = std::exp2(-49.9) + kRounding * greatest_entropy;
  EXPECT_EQ(result.count, golden.n);
  EXPECT_NEAR(result.magnitude, expected.magnitude, kRounding * expected.magnitude);
  EXPECT_NEAR(result.root_mean_square, expected.root_mean_square,
              kRounding * expected.root_mean_square);
  EXPECT_NEAR(result.mean, expected.mean, kRounding * expected.mean);
  EXPECT_NEAR(result.entropy, expected.entropy, logarithm_error);
  EXPECT_NEAR(result.unsquared_imbalance * greatest_entropy,
              expected.unsquared_imbalance * greatest_entropy, logarithm_error);
  EXPECT_NEAR(result.imbalance, expected.imbalance, 1e-14);
  EXPECT_NEAR(result.temperature, expected.temperature, 1e-14 * expected.magnitude);
}

// A sixteenth at most; denormals have bins of 2^-130.
TEST_P(TemperatureOf, HasTheQuantilesOfNumPyWithinABin) {
  const LossQuantiles& expected = GetParam().expected_quantiles;
  LossStatistics statistics;
  statistics.Add(GetParam().Losses());
  const LossQuantiles quantiles = statistics.histogram().Quantiles();
  const auto tolerance = [](double loss) { return std::max(loss / 16, std::exp2(-130)); };
  EXPECT_NEAR(quantiles.p10, expected.p10, tolerance(expected.p10));
  EXPECT_NEAR(quantiles.p50, expected.p50, tolerance(expected.p50));
  EXPECT_NEAR(quantiles.p90, expected.p90, tolerance(expected.p90));
}

LossStatistics Of(const std::vector<float>& losses) {
  LossStatistics statistics;
  statistics.Add(losses);
  return statistics;
}

// 3 and 1: H = log2(4) - 3/4 log2(3), M = sqrt(10).
TEST(Temperature, ByHand) {
  const Temperature result = ComputeTemperature(Of({3.0f, 1.0f}));
  const double entropy = 2 - 0.75 * std::log2(3.0);
  EXPECT_DOUBLE_EQ(result.magnitude, std::sqrt(10.0));
  EXPECT_DOUBLE_EQ(result.root_mean_square, std::sqrt(5.0));
  EXPECT_DOUBLE_EQ(result.mean, 2);
  EXPECT_DOUBLE_EQ(result.entropy, entropy);
  EXPECT_NEAR(result.imbalance, (1 - entropy) * (1 - entropy), 1e-16);
  EXPECT_NEAR(result.temperature, std::sqrt(10.0) * (1 - entropy) * (1 - entropy), 1e-15);
}

TEST(Temperature, OfNothingIsZero) {
  EXPECT_EQ(ComputeTemperature(LossStatistics()), Temperature());
}

// Not only nearly: where nothing is unequal, nothing may act.
TEST(Temperature, OfEqualLossesIsExactlyZero) {
  for (const float loss : {1e-45f, 0.1f, 0.7f, 1.0f, 3e38f}) {
    const Temperature result = ComputeTemperature(Of(std::vector<float>(1000, loss)));
    EXPECT_EQ(result.temperature, 0) << loss;
    EXPECT_EQ(result.imbalance, 0) << loss;
  }
}

TEST(Temperature, OfASinglePositiveLossIsThatLoss) {
  for (const float loss : {1e-45f, 0.1f, 0.7f, 1.0f, 3e38f}) {
    std::vector<float> losses(1000, 0.0f);
    losses[500] = loss;
    const Temperature result = ComputeTemperature(Of(losses));
    EXPECT_EQ(result.temperature, loss);
    EXPECT_EQ(result.imbalance, 1) << loss;
    EXPECT_EQ(result.entropy, 0) << loss;
  }
}

// Here a float logarithm is off by a quarter, and a double's sums by 1e-6.
TEST(Temperature, OfNearlyEqualLossesIsAccurate) {
  for (const GoldenCase& golden : ReadGoldenCases()) {
    if (golden.name.starts_with("spread_thousandth")) {
      const double result = ComputeTemperature(Of(golden.Losses())).temperature;
      const double expected = golden.expected.temperature;
      EXPECT_NEAR(result, expected, 1e-8 * expected) << golden.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, TemperatureOf, testing::ValuesIn(ReadGoldenCases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace lehr
