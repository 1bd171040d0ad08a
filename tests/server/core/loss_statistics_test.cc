#include "server/core/loss_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "server/core/big_integer.h"

namespace lehr {
namespace {

using testing::HasSubstr;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

LossStatistics Of(const std::vector<float>& losses) {
  LossStatistics statistics;
  statistics.Add(losses);
  return statistics;
}

// Losses of every kind: any bits, NaN and negative ones included, with zeros, denormals and a
// narrow range of ordinary ones mixed in.
std::vector<float> LossesOfEveryKind(size_t size, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::vector<float> losses(size);
  for (float& loss : losses) {
    const auto bits = static_cast<uint32_t>(generator());
    switch (generator() % 6) {
      case 0:
        loss = 0;
        break;
      case 1:
        loss = std::bit_cast<float>(bits & 0x007FFFFF);
        break;
      case 2:
        loss = std::bit_cast<float>(bits);
        break;
      default:
        loss = std::bit_cast<float>(0x3D000000 + bits % 0x04000000);
    }
  }
  return losses;
}

// Adds the losses in `pieces` pieces of random sizes, each in statistics of its own.
std::vector<LossStatistics> Split(const std::vector<float>& losses, size_t pieces,
                                  std::mt19937_64& generator) {
  std::vector<LossStatistics> parts(pieces);
  size_t begin = 0;
  for (size_t piece = 0; piece < pieces; ++piece) {
    const size_t left = losses.size() - begin;
    const size_t size = piece + 1 == pieces ? left : generator() % (left + 1);
    parts[piece].Add(absl::MakeConstSpan(losses).subspan(begin, size));
    begin += size;
  }
  return parts;
}

// Merges random pairs until one is left; a part may travel as bytes.
LossStatistics MergeInRandomTree(std::vector<LossStatistics> parts, std::mt19937_64& generator) {
  while (parts.size() > 1) {
    std::shuffle(parts.begin(), parts.end(), generator);
    const LossStatistics last = parts.back();
    parts.pop_back();
    parts.back().Merge(generator() % 2 == 0 ? last
                                            : LossStatistics::Parse(last.Serialize()).value());
  }
  return parts.front();
}

TEST(LossStatistics, SumsAreExact) {
  const LossStatistics statistics = Of({0.25f, 3.0f});
  EXPECT_EQ(statistics.count(), 2u);
  EXPECT_EQ(ToBigInteger(statistics.sum().limbs()), BigInteger(13) << (149 - 2));
  EXPECT_EQ(ToBigInteger(statistics.sum_of_squares().limbs()), BigInteger(145) << (298 - 4));
}

// A double sum would end at 1e30.
TEST(LossStatistics, SmallLossesBesideHugeOnesAreKept) {
  LossStatistics statistics = Of({0x1p100f, 0x1p-149f});
  EXPECT_EQ(ToBigInteger(statistics.sum().limbs()), (BigInteger(1) << 249) + 1);
  EXPECT_EQ(ToBigInteger(statistics.sum_of_squares().limbs()), (BigInteger(1) << 498) + 1);
}

// Bytes by an independent implementation: tests/golden/temperature/make_golden.py.
TEST(LossStatistics, HasTheSpecifiedBytes) {
  std::ifstream file(LEHR_SOURCE_DIR "/tests/golden/temperature/statistics.txt");
  int cases = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) {
      continue;
    }
    std::istringstream fields(line);
    std::string name;
    std::string bytes;
    fields >> name >> bytes;
    std::vector<float> losses;
    for (uint32_t bits = 0; fields >> std::hex >> bits;) {
      losses.push_back(std::bit_cast<float>(bits));
    }
    EXPECT_EQ(absl::BytesToHexString(Of(losses).Serialize()), bytes) << name;
    ++cases;
  }
  EXPECT_EQ(cases, 7);
}

TEST(LossStatistics, AnyOrderGivesTheSameBytes) {
  std::vector<float> losses = LossesOfEveryKind(/*size=*/5000, /*seed=*/1);
  const std::string bytes = Of(losses).Serialize();
  std::mt19937_64 generator(2);
  for (int trial = 0; trial < 10; ++trial) {
    std::shuffle(losses.begin(), losses.end(), generator);
    EXPECT_EQ(Of(losses).Serialize(), bytes);
  }
}

TEST(LossStatistics, AnySplitAndMergeTreeGivesTheSameBytes) {
  const std::vector<float> losses = LossesOfEveryKind(/*size=*/5000, /*seed=*/3);
  const std::string bytes = Of(losses).Serialize();
  std::mt19937_64 generator(4);
  for (const size_t pieces : {1, 2, 3, 10, 100, 1000}) {
    EXPECT_EQ(MergeInRandomTree(Split(losses, pieces, generator), generator).Serialize(), bytes)
        << pieces << " pieces";
  }
}

// Far more losses of one exponent than one block's 64-bit sums hold.
TEST(LossStatistics, LongSpansDoNotOverflow) {
  constexpr size_t kCount = 300000;
  const float loss = std::nextafter(2.0f, 0.0f);
  const LossStatistics one = Of({loss});
  const LossStatistics many = Of(std::vector<float>(kCount, loss));
  EXPECT_EQ(many.count(), kCount);
  EXPECT_EQ(ToBigInteger(many.sum().limbs()), ToBigInteger(one.sum().limbs()) * kCount);
  EXPECT_EQ(ToBigInteger(many.sum_of_squares().limbs()),
            ToBigInteger(one.sum_of_squares().limbs()) * kCount);
  EXPECT_EQ(ToBigInteger(many.x_log2_x().limbs()), ToBigInteger(one.x_log2_x().limbs()) * kCount);
}

TEST(LossStatistics, RemoveIsTheInverseOfAdd) {
  const std::vector<float> kept = LossesOfEveryKind(/*size=*/3000, /*seed=*/5);
  const std::vector<float> replaced = LossesOfEveryKind(/*size=*/2000, /*seed=*/6);
  LossStatistics statistics = Of(kept);
  statistics.Add(replaced);
  statistics.Remove(replaced);
  EXPECT_EQ(statistics.Serialize(), Of(kept).Serialize());
}

TEST(LossStatistics, RemovingAllLeavesNothing) {
  const std::vector<float> losses = LossesOfEveryKind(/*size=*/3000, /*seed=*/7);
  LossStatistics statistics = Of(losses);
  statistics.Remove(losses);
  EXPECT_EQ(statistics, LossStatistics());
}

// What is taken out may come from another place, and before it was added.
TEST(LossStatistics, RemovingFirstAndMergingLaterIsTheSame) {
  LossStatistics change;
  change.Remove({1.5f, 1e-40f});
  change.Add({2.5f});
  LossStatistics statistics = Of({1.5f, 1e-40f, 7.0f});
  statistics.Merge(change);
  EXPECT_EQ(statistics, Of({2.5f, 7.0f}));
}

TEST(LossStatistics, ExcludedLossesAreCountedByReason) {
  const LossStatistics statistics =
      Of({kNan, -kNan, kNan, kInfinity, -kInfinity, -1.0f, -1e-45f, -1e30f, -2.0f, 0.5f});
  EXPECT_EQ(statistics.excluded(), (ExcludedLosses{.nan = 3, .infinite = 2, .negative = 4}));
  EXPECT_EQ(statistics.count(), 1u);
}

TEST(LossStatistics, ExcludedLossesReachNoSum) {
  const LossStatistics statistics = Of({0.5f, kNan, kInfinity, -3.0f, 0.25f});
  const LossStatistics clean = Of({0.5f, 0.25f});
  EXPECT_EQ(statistics.sum().limbs(), clean.sum().limbs());
  EXPECT_EQ(statistics.sum_of_squares().limbs(), clean.sum_of_squares().limbs());
  EXPECT_EQ(statistics.x_log2_x().limbs(), clean.x_log2_x().limbs());
}

TEST(LossStatistics, MinusZeroIsZero) {
  EXPECT_EQ(Of({-0.0f, 1.0f}), Of({0.0f, 1.0f}));
  EXPECT_EQ(Of({-0.0f}).count(), 1u);
}

TEST(LossStatistics, ZerosAreCounted) {
  const LossStatistics statistics = Of({0.0f, 0.0f, 0.0f});
  EXPECT_EQ(statistics.count(), 3u);
  EXPECT_EQ(ToBigInteger(statistics.sum().limbs()), 0);
}

TEST(LossStatistics, TheOffsetIsAddedInBinary32) {
  LossStatistics statistics;
  // 2^24 + 1 has no binary32: the tie goes to 2^24.
  statistics.Add({1.0f, -3.5f, -20000000.0f}, /*loss_offset=*/16777216.0f);
  LossStatistics expected = Of({16777216.0f, 16777212.0f, -3222784.0f});
  EXPECT_EQ(statistics, expected);
  EXPECT_EQ(statistics.excluded().negative, 1u);
}

TEST(LossStatistics, TheOffsetReachesEveryLossOfALongSpan) {
  LossStatistics statistics;
  statistics.Add(std::vector<float>(10000, -0.5f), /*loss_offset=*/1.0f);
  EXPECT_EQ(statistics, Of(std::vector<float>(10000, 0.5f)));
}

// That of tests/server/core/loss_histogram_test.cc, filled loss by loss.
TEST(LossStatistics, TheHistogramIsOfTheLossesThatAreInTheSums) {
  const std::vector<float> losses = LossesOfEveryKind(/*size=*/3000, /*seed=*/9);
  LossHistogram histogram;
  for (const float loss : losses) {
    if (std::isfinite(loss) && loss >= 0) {
      histogram.Add(std::abs(loss), /*times=*/1);
    }
  }
  EXPECT_EQ(Of(losses).histogram(), histogram);
}

TEST(LossStatistics, RemoveTakesTheOffsetToo) {
  LossStatistics statistics;
  statistics.Add({0.1f, 0.2f}, /*loss_offset=*/0.7f);
  statistics.Remove({0.1f, 0.2f}, /*loss_offset=*/0.7f);
  EXPECT_EQ(statistics, LossStatistics());
}

// --- Bytes ---

TEST(LossStatisticsParse, GivesBackWhatWasSerialized) {
  const LossStatistics statistics = Of(LossesOfEveryKind(/*size=*/1000, /*seed=*/8));
  const absl::StatusOr<LossStatistics> parsed = LossStatistics::Parse(statistics.Serialize());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, statistics);
}

void ExpectRefused(const std::string& bytes, const std::string& reason) {
  const absl::StatusOr<LossStatistics> parsed = LossStatistics::Parse(bytes);
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(parsed.status().message()), HasSubstr(reason));
}

TEST(LossStatisticsParse, RefusesAnotherVersion) {
  std::string bytes = Of({1.0f}).Serialize();
  bytes[0] = 2;
  ExpectRefused(bytes, "of version 2; this program has version 1");
}

// Another version may have another length: the version is what the reader must learn.
TEST(LossStatisticsParse, NamesAnotherVersionBeforeAnotherLength) {
  ExpectRefused(std::string("\x02\x00\x00\x00more", 8), "of version 2");
}

TEST(LossStatisticsParse, RefusesAnotherLength) {
  const std::string bytes = Of({1.0f}).Serialize();
  ExpectRefused("", "of 0 bytes; expected at least 222");
  ExpectRefused(bytes.substr(0, 100), "of 100 bytes; expected at least 222");
  ExpectRefused(bytes + "x", "histogram of 21 bytes; expected 20");
}

// Byte 4 is the count's lowest: one loss cannot have the sums of two.
TEST(LossStatisticsParse, RefusesSumsThatNoLossesHave) {
  std::string bytes = Of({1.0f, 2.0f}).Serialize();
  bytes[4] = 1;
  ExpectRefused(bytes, "contradict each other: count 1, sum 3, sum of squares 5");
}

// Byte 4 + 32 + 47 is the sum's highest: such statistics could overflow when they are merged.
TEST(LossStatisticsParse, RefusesASumBeyondTheGreatestLosses) {
  std::string bytes = Of({1.0f}).Serialize();
  bytes[83] = 0x7F;
  ExpectRefused(bytes, "contradict each other");
}

// The last 18 bytes are those of the bin of 2.0.
TEST(LossStatisticsParse, RefusesAHistogramOfOtherLosses) {
  const std::string bytes = Of({1.0f, 2.0f}).Serialize();
  const std::string other = Of({1.0f, 4.0f}).Serialize();
  ExpectRefused(bytes.substr(0, bytes.size() - 18) + other.substr(other.size() - 18),
                "a loss histogram of other losses");
}

TEST(LossStatisticsParse, RefusesNegativeSums) {
  LossStatistics negative;
  negative.Remove({1.0f});
  ExpectRefused(negative.Serialize(), "contradict each other");
}

}  // namespace
}  // namespace lehr
