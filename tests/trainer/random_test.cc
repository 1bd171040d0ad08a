#include "trainer/random.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/trainer/golden.h"

namespace lehr {
namespace {

TEST(StreamSeed, MatchesTheOracle) {
  const auto golden = ReadGolden("random_golden.json");
  for (const auto& entry : golden.at("stream_seeds")) {
    const auto stream = static_cast<RandomStream>(entry.at(1).get<uint64_t>());
    EXPECT_EQ(StreamSeed(entry.at(0), stream, entry.at(2)), entry.at(3).get<uint64_t>()) << entry;
  }
}

TEST(RandomPermutation, MatchesTheOracle) {
  EXPECT_EQ(RandomPermutation(10, /*seed=*/42), ReadGolden("random_golden.json")
                                                    .at("permutation_of_10_seed_42")
                                                    .get<std::vector<uint64_t>>());
}

TEST(RandomPermutation, OfNothingAndOfOne) {
  EXPECT_EQ(RandomPermutation(0, /*seed=*/1), std::vector<uint64_t>());
  EXPECT_EQ(RandomPermutation(1, /*seed=*/1), std::vector<uint64_t>({0}));
}

// χ² of the 24 orders of four over 24,000 seeds, 23 degrees of freedom: above 49.7 once in 1000 for
// a fair shuffle; the seeds are fixed.
TEST(RandomPermutation, AllOrdersAreEquallyLikely) {
  std::array<int, 256> counts = {};
  for (uint64_t seed = 0; seed < 24'000; ++seed) {
    const std::vector<uint64_t> order = RandomPermutation(4, seed);
    ++counts[order[0] * 64 + order[1] * 16 + order[2] * 4 + order[3]];
  }
  double chi_squared = 0;
  int orders = 0;
  for (const int count : counts) {
    orders += count > 0 ? 1 : 0;
    chi_squared += count > 0 ? (count - 1000.0) * (count - 1000.0) / 1000.0 : 0;
  }
  EXPECT_EQ(orders, 24);
  EXPECT_LT(chi_squared, 49.7);
}

TEST(UniformUnit, StaysBelowOne) {
  std::mt19937_64 generator(1);
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double value = UniformUnit(generator);
    ASSERT_GE(value, 0);
    ASSERT_LT(value, 1);
    sum += value;
  }
  // Five standard errors of the mean.
  EXPECT_NEAR(sum / 100'000, 0.5, 5 * 0.2887 / 316.2);
}

}  // namespace
}  // namespace lehr
