#include "client/core/noise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cfenv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "client/core/noise_update.h"
#include "client/core/parameter_digest.h"
#include "client/core/tensor_name.h"
#include "tests/client/core/golden_vectors.h"
#include "tests/client/core/noise_target_test.h"

namespace lehr {
namespace {

using ::testing::ElementsAreArray;

std::vector<float> Noise(std::uint64_t seed, std::uint64_t tensor_id, std::uint64_t first_index,
                         std::size_t count) {
  std::vector<float> z(count);
  FillNoise(seed, tensor_id, first_index, absl::MakeSpan(z));
  return z;
}

using EveryTargetNoiseTest = NoiseTargetTest;

INSTANTIATE_TEST_SUITE_P(EveryTarget, EveryTargetNoiseTest, EveryNoiseTarget(), NoiseTargetName);

// First and last indices, both sides of 2^32 and of block 2^32, several seeds and names.
TEST_P(EveryTargetNoiseTest, GivesTheBitsOfTheExactOracle) {
  for (const GoldenRow& row : ReadGolden("noise.csv")) {
    const float z = NoiseAt(row.Word("seed"), TensorId(row.Text("tensor")), row.Word("index"));
    EXPECT_EQ(std::bit_cast<std::uint32_t>(z), row.Bits("z"))
        << row.Text("seed") << " " << row.Text("tensor") << " " << row.Text("index");
  }
}

// Extremes and telltale words, led to every lane of a tile: the widest has 32 blocks.
constexpr std::uint64_t kBlocks = 32;

std::vector<float> Golden(const GoldenRow& row) {
  return {row.Float("z_0"), row.Float("z_1"), row.Float("z_2"), row.Float("z_3")};
}

void ExpectBits(const float* found, const GoldenRow& row, std::uint64_t lane) {
  EXPECT_EQ(std::memcmp(found, Golden(row).data(), 4 * sizeof(float)), 0)
      << "seed " << row.Text("seed") << ", block " << row.Text("block") << ", lane " << lane;
}

TEST_P(EveryTargetNoiseTest, MakesExtremeWordsToTheOraclesBitsInEveryLane) {
  for (const GoldenRow& row : ReadGolden("noise_words.csv")) {
    for (std::uint64_t lane = 0; lane < kBlocks; ++lane) {
      const std::uint64_t first_index = 4 * (row.Word("block") - lane);
      ExpectBits(Noise(row.Word("seed"), row.Word("tensor_id"), first_index, 4 * kBlocks).data() +
                     4 * lane,
                 row, lane);
    }
  }
}

// RN(-0 + RN(1 z)) is z, also where z is a zero.
TEST_P(EveryTargetNoiseTest, UpdatesByExtremeWordsToTheOraclesBitsInEveryLane) {
  for (const GoldenRow& row : ReadGolden("noise_words.csv")) {
    for (std::uint64_t lane = 0; lane < kBlocks; ++lane) {
      std::vector<float> values(4 * kBlocks, -0.0f);
      UpdateRange(
          {.seed = row.Word("seed"), .tensor_id = row.Word("tensor_id"), .shrink = 1, .sigma = 1},
          4 * (row.Word("block") - lane), absl::MakeSpan(values));
      ExpectBits(values.data() + 4 * lane, row, lane);
    }
  }
}

TEST(NoiseTest, IsWithinOneMillionthOfTheTrueNumbers) {
  for (const GoldenRow& row : ReadGolden("noise.csv")) {
    const float z = NoiseAt(row.Word("seed"), TensorId(row.Text("tensor")), row.Word("index"));
    EXPECT_NEAR(z, row.Double("true_z"), 1e-6) << row.Text("index");
  }
}

TEST_P(EveryTargetNoiseTest, GivesTheDigestsOfTheExactOracleOverRanges) {
  for (const GoldenRow& row : ReadGolden("noise_ranges.csv")) {
    std::vector<float> z = Noise(row.Word("seed"), TensorId(row.Text("tensor")),
                                 row.Word("first_index"), row.Word("count"));
    EXPECT_EQ(ParameterDigest({{.name = row.Text("tensor"),
                                .values = absl::MakeSpan(z),
                                .first_index = row.Word("first_index")}}),
              row.Word("digest_of_z"));
  }
}

// Every start within a block and every length over a few blocks.
TEST_P(EveryTargetNoiseTest, AnyRangeHasTheNumbersOfTheWhole) {
  const std::vector<float> whole = Noise(/*seed=*/5, /*tensor_id=*/6, /*first_index=*/0, 24);
  for (std::size_t first = 0; first <= 8; ++first) {
    for (std::size_t count = 0; count <= 16; ++count) {
      EXPECT_THAT(Noise(5, 6, first, count), ElementsAreArray(whole.data() + first, count))
          << first << " " << count;
    }
  }
}

TEST(NoiseTest, AnElementHasTheNumberThatItHasInARange) {
  const std::vector<float> range = Noise(/*seed=*/5, /*tensor_id=*/6, /*first_index=*/3, 6);
  for (std::size_t i = 0; i < range.size(); ++i) {
    EXPECT_EQ(NoiseAt(5, 6, 3 + i), range[i]);
  }
}

TEST(NoiseTest, WritesNothingBeyondItsRange) {
  std::vector<float> z(12, 100.0f);
  FillNoise(/*seed=*/1, /*tensor_id=*/2, /*first_index=*/3, absl::MakeSpan(z).subspan(1, 10));
  EXPECT_EQ(z.front(), 100.0f);
  EXPECT_EQ(z.back(), 100.0f);
}

// 2^20 numbers of a fixed seed. For true normal numbers each bound is 5 standard errors of its
// moment: a false alarm has a chance of 2e-6 in all.
TEST(NoiseTest, HasTheMomentsOfTheNormalDistribution) {
  constexpr double kCount = 1 << 20;
  double moments[5] = {};
  for (const double z : Noise(/*seed=*/1, /*tensor_id=*/2, /*first_index=*/0, 1 << 20)) {
    moments[1] += z / kCount;
    moments[2] += z * z / kCount;
    moments[4] += z * z * z * z / kCount;
  }
  EXPECT_NEAR(moments[1], 0, 5 * std::sqrt(1 / kCount));
  EXPECT_NEAR(moments[2], 1, 5 * std::sqrt(2 / kCount));
  EXPECT_NEAR(moments[4], 3, 5 * std::sqrt(96 / kCount));
}

// The rounding direction belongs to the contract, not to the calling thread.
TEST(NoiseTest, IgnoresTheCallersRoundingDirectionAndLeavesIt) {
  const std::vector<float> expected = Noise(/*seed=*/1, /*tensor_id=*/2, /*first_index=*/0, 64);
  ASSERT_EQ(std::fesetround(FE_UPWARD), 0);
  const std::vector<float> found = Noise(1, 2, 0, 64);
  const int rounding = std::fegetround();
  std::fesetround(FE_TONEAREST);
  EXPECT_THAT(found, ElementsAreArray(expected));
  EXPECT_EQ(rounding, FE_UPWARD);
}

}  // namespace
}  // namespace lehr
