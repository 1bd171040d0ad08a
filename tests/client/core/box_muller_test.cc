#include "client/core/box_muller.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/client/core/golden_vectors.h"

namespace lehr {
namespace {

// Extremes of both words and borders of the quadrants, from exact rationals rounded after each
// step.
TEST(BoxMullerTest, GivesTheBitsOfTheExactOracle) {
  for (const GoldenRow& row : ReadGolden("box_muller.csv")) {
    const auto [cosine, sine] = BoxMuller(row.Bits("a"), row.Bits("b"));
    EXPECT_EQ(std::bit_cast<std::uint32_t>(cosine), row.Bits("z_cos"))
        << row.Text("a") << " " << row.Text("b");
    EXPECT_EQ(std::bit_cast<std::uint32_t>(sine), row.Bits("z_sin"))
        << row.Text("a") << " " << row.Text("b");
  }
}

TEST(BoxMullerTest, IsWithinOneMillionthOfTheTrueNumbers) {
  for (const GoldenRow& row : ReadGolden("box_muller.csv")) {
    const auto [cosine, sine] = BoxMuller(row.Bits("a"), row.Bits("b"));
    EXPECT_NEAR(cosine, row.Double("true_cos"), 1e-6) << row.Text("a") << " " << row.Text("b");
    EXPECT_NEAR(sine, row.Double("true_sin"), 1e-6) << row.Text("a") << " " << row.Text("b");
  }
}

// Together these two bound the error of z: |dr| + 6.67 |dx| + half a unit in the last place, where
// prove_error.py does the same for every word and bin by bin. Stride: a prime, coprime to 2^32.
constexpr std::uint64_t kStride = 4099;
constexpr std::uint64_t kWords = std::uint64_t{1} << 32;

TEST(NoiseRadiusTest, IsWithinFourTenMillionthsOverAllUniforms) {
  double worst = 0;
  for (std::uint64_t word = 0; word < kWords; word += word < 100'000 ? 1 : kStride) {
    const auto uniform =
        static_cast<float>(std::max<std::uint32_t>(static_cast<std::uint32_t>(word), 1));
    const double truth = std::sqrt(-2 * std::log(static_cast<double>(uniform) * 0x1p-32));
    worst = std::max(worst, std::abs(NoiseRadius(static_cast<std::uint32_t>(word)) - truth));
  }
  EXPECT_LT(worst, 4e-7);
}

TEST(DirectionInQuadrantTest, IsWithinSevenHundredMillionthsOverAllAngles) {
  double worst = 0;
  for (std::uint64_t word = 0; word < kWords; word += kStride) {
    const auto offset = static_cast<std::int32_t>(static_cast<std::uint32_t>(word) << 2);
    const double angle = static_cast<float>(offset) * 0x1p-32 * std::numbers::pi / 2;
    const auto [cosine, sine] = DirectionInQuadrant(static_cast<std::uint32_t>(word));
    worst = std::max({worst, std::abs(cosine - std::cos(angle)), std::abs(sine - std::sin(angle))});
  }
  EXPECT_LT(worst, 7e-8);
}

}  // namespace
}  // namespace lehr
