// The vectors of every instruction set against the plain loops of noise_reference.h, which the
// golden vectors check: bit for bit, for any bits that an element may have.
#include "client/core/noise_update.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "client/core/noise.h"
#include "client/core/noise_reference.h"
#include "tests/client/core/noise_target_test.h"

namespace lehr {
namespace {

constexpr std::uint64_t kLastIndex = std::numeric_limits<std::uint64_t>::max();

// Elements of any bits; of few of them that are not finite, if so asked.
template <typename Element>
std::vector<Element> AnyElements(std::size_t count, bool mostly_finite, std::mt19937_64& random) {
  std::vector<Element> elements(count);
  for (Element& element : elements) {
    std::uint64_t bits = random();
    if (mostly_finite && random() % 1000 != 0) {
      // The sign's neighbour 0: an exponent of at most half.
      bits &= ~(std::uint64_t{1} << (8 * sizeof(Element) - 2));
    }
    std::memcpy(static_cast<void*>(&element), &bits, sizeof(Element));
  }
  return elements;
}

NoiseUpdate AnyUpdate(std::mt19937_64& random) {
  constexpr float kShrinks[] = {0.0f, 0.25f, 0.9f, 1.0f};
  constexpr float kSigmas[] = {0.0f, 0x1p-149f, 1e-40f, 1e-3f, 1.0f, 1e4f, 3e38f};
  return {.seed = random(),
          .tensor_id = random(),
          .shrink = kShrinks[random() % 4],
          .sigma = kSigmas[random() % 7]};
}

std::uint64_t AnyFirstIndex(std::size_t count, std::mt19937_64& random) {
  switch (random() % 4) {
    case 0:
      return random() % 100;
    case 1:  // Around block 2^32.
      return (std::uint64_t{1} << 34) - random() % 600;
    case 2:  // Up to the last index.
      return kLastIndex - (count - 1);
    default:
      return random() / 2;
  }
}

template <typename Element>
void ExpectTheReferencesBits(bool mostly_finite) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 400; ++round) {
    const std::size_t count = 1 + random() % (round % 10 == 0 ? 3000 : 200);
    // Elements before and after, which must stay.
    const std::size_t margin = random() % 5;
    const std::vector<Element> before =
        AnyElements<Element>(count + 2 * margin, mostly_finite, random);
    const NoiseUpdate update = AnyUpdate(random);
    const std::uint64_t first_index = AnyFirstIndex(count, random);
    std::vector<Element> expected = before;
    const UpdateCounts expected_counts = reference::UpdateRange(
        update, first_index, absl::MakeSpan(expected).subspan(margin, count));
    std::vector<Element> found = before;
    const UpdateCounts counts =
        UpdateRange(update, first_index, absl::MakeSpan(found).subspan(margin, count));
    ASSERT_EQ(std::memcmp(found.data(), expected.data(), found.size() * sizeof(Element)), 0)
        << "round " << round << ", " << count << " elements from index " << first_index;
    EXPECT_EQ(counts.perturbed, expected_counts.perturbed);
    EXPECT_EQ(counts.non_finite_kept, expected_counts.non_finite_kept);
    EXPECT_EQ(counts.unchanged, expected_counts.unchanged);
  }
}

using UpdateRangeTest = NoiseTargetTest;

TEST_P(UpdateRangeTest, Binary32HasTheReferencesBits) {
  ExpectTheReferencesBits<float>(/*mostly_finite=*/true);
}
TEST_P(UpdateRangeTest, Binary64HasTheReferencesBits) {
  ExpectTheReferencesBits<double>(/*mostly_finite=*/true);
}
TEST_P(UpdateRangeTest, Bfloat16HasTheReferencesBits) {
  ExpectTheReferencesBits<Bfloat16>(/*mostly_finite=*/true);
}
TEST_P(UpdateRangeTest, Binary16HasTheReferencesBits) {
  ExpectTheReferencesBits<Float16>(/*mostly_finite=*/true);
}
TEST_P(UpdateRangeTest, AnyBitsHaveTheReferencesBits) {
  ExpectTheReferencesBits<float>(/*mostly_finite=*/false);
  ExpectTheReferencesBits<double>(/*mostly_finite=*/false);
  ExpectTheReferencesBits<Bfloat16>(/*mostly_finite=*/false);
  ExpectTheReferencesBits<Float16>(/*mostly_finite=*/false);
}

TEST_P(UpdateRangeTest, NoiseHasTheReferencesBits) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 200; ++round) {
    const std::size_t count = 1 + random() % 3000;
    const std::uint64_t seed = random();
    const std::uint64_t first_index = AnyFirstIndex(count, random);
    std::vector<float> expected(count);
    std::vector<float> found(count);
    reference::FillNoise(seed, /*tensor_id=*/7, first_index, absl::MakeSpan(expected));
    FillNoise(seed, /*tensor_id=*/7, first_index, absl::MakeSpan(found));
    ASSERT_EQ(std::memcmp(found.data(), expected.data(), count * sizeof(float)), 0) << round;
  }
}

INSTANTIATE_TEST_SUITE_P(EveryTarget, UpdateRangeTest, EveryNoiseTarget(), NoiseTargetName);

TEST(NoiseTargetsTest, AnUnknownOneIsRefused) { EXPECT_FALSE(UseNoiseTarget("AVX9")); }

TEST(NoiseTargetsTest, TheBestOneRunsUnlessAnotherIsChosen) {
  const std::vector<std::string> targets = NoiseTargets();
  ASSERT_TRUE(UseNoiseTarget(targets.back()));
  EXPECT_EQ(RunningNoiseTarget(), targets.back());
  ASSERT_TRUE(UseNoiseTarget(""));
  EXPECT_EQ(RunningNoiseTarget(), targets.front());
}

#if defined(__x86_64__)
// As the compiler's own look at the CPU says.
TEST(NoiseTargetsTest, WhatTheCpuHasIsThere) {
  const std::vector<std::string> targets = NoiseTargets();
  __builtin_cpu_init();
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                        __builtin_cpu_supports("bmi2");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                          __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  EXPECT_EQ(std::count(targets.begin(), targets.end(), "AVX2"), has_avx2);
  EXPECT_EQ(std::count(targets.begin(), targets.end(), "AVX3"), has_avx512);
  EXPECT_THAT(BuiltNoiseTargets(), ::testing::IsSupersetOf({"AVX3", "AVX2", "SSE4"}));
}
#elif defined(__aarch64__)
// Every such CPU has it. Later Highways have several of that name.
TEST(NoiseTargetsTest, NeonIsThere) {
  EXPECT_THAT(NoiseTargets(), ::testing::Contains(::testing::StartsWith("NEON")));
}
#endif

}  // namespace
}  // namespace lehr
