#include "server/core/loss_histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "server/core/exact_sum.h"
#include "server/core/loss_statistics.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

LossHistogram Of(const std::vector<float>& losses) {
  LossHistogram histogram;
  for (const float loss : losses) {
    histogram.Add(loss, /*times=*/1);
  }
  return histogram;
}

LossQuantiles QuantilesOf(const std::vector<float>& losses) { return Of(losses).Quantiles(); }

// What the classes promise, from the sorted losses: the mean of those in the bin of the loss of
// that rank. A bin: all losses that differ in the last 19 bits only.
double ByHand(std::vector<float> losses, double share) {
  std::sort(losses.begin(), losses.end());
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(losses.size())));
  const auto bin_of = [](float loss) { return std::bit_cast<uint32_t>(loss) >> 19; };
  const uint32_t bin = bin_of(losses[std::max<size_t>(rank, 1) - 1]);
  double sum = 0;
  double count = 0;
  for (const float loss : losses) {
    if (bin_of(loss) == bin) {
      sum += loss;
      ++count;
    }
  }
  return sum / count;
}

// Log-normal ones with zeros, or nearly equal ones.
std::vector<float> SomeLosses(size_t size, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<float> logarithm(-1.0f, seed % 2 == 0 ? 3.0f : 0.01f);
  std::vector<float> losses(size);
  for (float& loss : losses) {
    loss = generator() % 8 == 0 ? 0.0f : std::exp(logarithm(generator));
  }
  return losses;
}

TEST(LossHistogram, OfNothingHasNoQuantiles) {
  EXPECT_EQ(LossHistogram().Quantiles(), LossQuantiles());
}

TEST(LossHistogram, OfOneLossIsThatLoss) {
  EXPECT_EQ(QuantilesOf({0.7f}), (LossQuantiles{0.7f, 0.7f, 0.7f}));
}

// Exactly, so that a band of quantiles has no width where losses have none.
TEST(LossHistogram, OfEqualLossesIsThatLoss) {
  for (const float loss : {0.0f, 0x1p-149f, 0x1p-126f, 0.1f, 1.0f, 2.302585f, 0x1.fffffep127f}) {
    LossHistogram histogram;
    histogram.Add(loss, /*times=*/(uint64_t{1} << 40) - 1);
    EXPECT_EQ(histogram.Quantiles(), (LossQuantiles{loss, loss, loss}));
  }
}

// 1, 2, ..., 10: nine tenths of them do not exceed 9. Below 16, whole numbers have bins of their
// own.
TEST(LossHistogram, AQuantileIsTheLeastLossThatSoManyDoNotExceed) {
  EXPECT_EQ(QuantilesOf({10, 3, 1, 2, 9, 8, 4, 5, 7, 6}), (LossQuantiles{1, 5, 9}));
  EXPECT_EQ(QuantilesOf({11, 10, 3, 1, 2, 9, 8, 4, 5, 7, 6}), (LossQuantiles{2, 6, 10}));
}

TEST(LossHistogram, IsTheMeanOfItsBin) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const std::vector<float> losses = SomeLosses(/*size=*/1 + 37 * (seed - 1), seed);
    const LossQuantiles quantiles = QuantilesOf(losses);
    EXPECT_NEAR(quantiles.p10, ByHand(losses, 0.1), 1e-12) << seed;
    EXPECT_NEAR(quantiles.p50, ByHand(losses, 0.5), 1e-12) << seed;
    EXPECT_NEAR(quantiles.p90, ByHand(losses, 0.9), 1e-12) << seed;
  }
}

TEST(LossHistogram, QuantilesLieBetweenTheLeastAndTheGreatestLossInOrder) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    const std::vector<float> losses = SomeLosses(/*size=*/seed, seed);
    const auto [least, greatest] = std::minmax_element(losses.begin(), losses.end());
    const LossQuantiles quantiles = QuantilesOf(losses);
    EXPECT_LE(*least, quantiles.p10) << seed;
    EXPECT_LE(quantiles.p10, quantiles.p50) << seed;
    EXPECT_LE(quantiles.p50, quantiles.p90) << seed;
    EXPECT_LE(quantiles.p90, *greatest) << seed;
  }
}

// Bits, not only nearly: decisions that hold them are compared by their bytes.
TEST(LossHistogram, AnySplitAndAnyOrderGiveTheSameBits) {
  std::mt19937_64 generator(3);
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::vector<float> losses = SomeLosses(/*size=*/500, seed);
    const LossHistogram flat = Of(losses);
    std::shuffle(losses.begin(), losses.end(), generator);
    LossHistogram merged;
    for (size_t begin = 0; begin < losses.size();) {
      const size_t size = std::min<size_t>(generator() % 100, losses.size() - begin);
      merged.Merge(Of({losses.begin() + begin, losses.begin() + begin + size}));
      begin += size;
    }
    EXPECT_EQ(merged, flat);
    EXPECT_EQ(merged.Quantiles(), flat.Quantiles());
  }
}

TEST(LossHistogram, WhatWasAddedCanBeTakenOut) {
  const std::vector<float> kept = SomeLosses(/*size=*/300, /*seed=*/2);
  LossHistogram histogram = Of(kept);
  const std::vector<float> passing = SomeLosses(/*size=*/200, /*seed=*/4);
  histogram.Merge(Of(passing));
  for (const float loss : passing) {
    histogram.Add(loss, /*times=*/-uint64_t{1});
  }
  EXPECT_EQ(histogram, Of(kept));
}

// --- Bytes ---

std::string BytesOf(const LossHistogram& histogram) {
  std::string bytes;
  histogram.AppendTo(bytes);
  return bytes;
}

ExactSum<6> SumOf(const std::vector<float>& losses) {
  LossStatistics statistics;
  statistics.Add(losses);
  return statistics.sum();
}

TEST(LossHistogramParse, GivesBackWhatWasAppended) {
  const std::vector<float> losses = SomeLosses(/*size=*/1000, /*seed=*/6);
  const LossHistogram histogram = Of(losses);
  const auto parsed = LossHistogram::Parse(BytesOf(histogram), losses.size(), SumOf(losses));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, histogram);
}

void ExpectRefused(const std::string& bytes, const std::string& reason) {
  const std::vector<float> losses = {1.0f, 1.0f, 3.0f};
  const auto parsed = LossHistogram::Parse(bytes, losses.size(), SumOf(losses));
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(parsed.status().message()), HasSubstr(reason));
}

TEST(LossHistogramParse, RefusesAnotherLength) {
  const std::string bytes = BytesOf(Of({1.0f, 1.0f, 3.0f}));
  ExpectRefused("", "of 0 bytes; expected 2");
  ExpectRefused(bytes.substr(0, 30), "of 30 bytes; expected 38");
  ExpectRefused(bytes + "x", "of 39 bytes; expected 38");
}

TEST(LossHistogramParse, RefusesOtherLossesThanThoseOfTheSum) {
  ExpectRefused(BytesOf(Of({1.0f, 3.0f})), "lacks 1 of 3 losses");
  ExpectRefused(BytesOf(Of({1.0f, 1.0f, 1.0f, 3.0f})), "holds 1 of 0 losses");
  ExpectRefused(BytesOf(Of({1.0f, 1.0f, 2.0f})), "of other losses than those of the sum");
}

// The bytes: bins (2), then of each bin index (2), count (8) and mantissas (8).
TEST(LossHistogramParse, RefusesBinsThatNoLossesHave) {
  const std::string bytes = BytesOf(Of({1.0f, 1.0f, 3.0f}));
  const std::string swapped = bytes.substr(0, 2) + bytes.substr(20) + bytes.substr(2, 18);
  ExpectRefused(swapped, "bin 2032 after bin 2056");
  std::string infinite = bytes;
  infinite[20] = '\xf8';
  infinite[21] = '\x0f';
  ExpectRefused(infinite, "bin 4088 after bin 2032");
  std::string empty = bytes;
  std::fill_n(empty.begin() + 4, 16, '\0');
  ExpectRefused(empty, "holds 0 of 3 losses");
  std::string too_low = bytes;
  too_low[12 + 2] = 0;
  too_low[12 + 3] = 0;
  ExpectRefused(too_low, "with a sum of mantissas of 0");
  std::string too_high = bytes;
  too_high[12 + 4] = 1;
  ExpectRefused(too_high, "with a sum of mantissas of 4311744512");
}

}  // namespace
}  // namespace lehr
