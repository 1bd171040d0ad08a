#include "server/core/tied_losses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "tests/server/core/fine_losses.h"

namespace lehr {
namespace {

using testing::HasSubstr;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// No two are equal, and no 16-bit format has them. Their sum is 1 + ... + count, times 1 + 2^-13.
std::vector<float> Different(size_t count) {
  std::vector<float> losses(count);
  std::iota(losses.begin(), losses.end(), 1.0f);
  return Fine(losses);
}

std::vector<float> Joined(std::vector<float> first, const std::vector<float>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

std::optional<double> ShareOf(const std::vector<float>& losses) {
  TiedLosses tied;
  tied.AddReport(losses);
  return tied.share();
}

TEST(TiedLosses, IsTheShareOfTheLossNotOfTheExamples) {
  // 1 + ... + 16 = 136, and 3 * 34 that tie.
  EXPECT_EQ(ShareOf(Joined(Different(16), Fine({34, 34, 34}))), 102.0 / 238);
}

// Copies of an example, and what a coarse format makes of different ones.
TEST(TiedLosses, APairDoesNotTie) {
  EXPECT_EQ(ShareOf(Joined(Different(16), Fine({34, 34, 1, 16}))), 0);
}

TEST(TiedLosses, ALossThatComesManyTimesCountsEachTime) {
  // 4 * 20 + 3 * 38 of 194 + 136.
  EXPECT_EQ(ShareOf(Joined(Fine({20, 38, 20, 38}), Joined(Different(16), Fine({38, 20, 20})))),
            194.0 / 330);
}

// Where losses are bfloat16 or binary16, healthy ones tie: nothing is known.
TEST(TiedLosses, AReportInA16BitFormatIsNotCounted) {
  std::vector<float> bfloat16(20, 0x1.62p-1f);
  EXPECT_EQ(ShareOf(bfloat16), std::nullopt);
  EXPECT_EQ(ShareOf(std::vector<float>(20, 0x1.63p-1f + 0x1p-11f)), std::nullopt);
  EXPECT_EQ(ShareOf(std::vector<float>(20, 0x1.63p-1f + 0x1p-12f)), 1);
  bfloat16[7] = 0.7f;
  EXPECT_NE(ShareOf(bfloat16), std::nullopt);
}

TEST(TiedLosses, NothingTiesWhereNoBitsAreEqual) {
  std::vector<float> losses;
  for (uint32_t i = 0; i < 64; ++i) {
    losses.push_back(std::bit_cast<float>(std::bit_cast<uint32_t>(0.693f) + i));
  }
  EXPECT_EQ(ShareOf(losses), 0);
}

TEST(TiedLosses, AllTieWhereAllAreEqual) {
  EXPECT_EQ(ShareOf(std::vector<float>(64, 0.7f)), 1);
  EXPECT_EQ(ShareOf(std::vector<float>(16, 0x1p-149f)), 1);
  EXPECT_EQ(ShareOf(std::vector<float>(64, std::numeric_limits<float>::max())), 1);
}

TEST(TiedLosses, LossesOfZeroCarryNothing) {
  EXPECT_EQ(ShareOf(Joined(Different(16), {0, 0, -0.0f})), 0);
}

TEST(TiedLosses, DenormalsAreExact) {
  // In units of 2^-149: 3 * 3 of 0 + 2 * 3 + 1 + ... + 14.
  std::vector<float> losses = {0, 0x3p-149f, 0x3p-149f};
  for (int i = 1; i <= 14; ++i) {
    losses.push_back(std::ldexp(static_cast<float>(i), -149));
  }
  EXPECT_EQ(ShareOf(losses), 9.0 / 111);
}

TEST(TiedLosses, AReportOfLessThanSixteenLossesIsNotCounted) {
  EXPECT_EQ(ShareOf({}), std::nullopt);
  EXPECT_EQ(ShareOf(std::vector<float>(15, 0.7f)), std::nullopt);
  EXPECT_EQ(ShareOf(std::vector<float>(16, 0.7f)), 1);
  TiedLosses tied;
  tied.AddReport(Different(16));
  tied.AddReport(std::vector<float>(15, 0.7f));
  EXPECT_EQ(tied.share(), 0);
  EXPECT_EQ(tied.count(), 16u);
}

TEST(TiedLosses, LossesThatReachNoSumAreNotCounted) {
  const std::vector<float> unusable = {std::nanf(""), std::nanf(""), kInfinity, kInfinity,
                                       -kInfinity,    -kInfinity,    -1,        -1};
  EXPECT_EQ(ShareOf(Joined(unusable, std::vector<float>(15, 0.7f))), std::nullopt);
  EXPECT_EQ(ShareOf(Joined(unusable, Different(16))), 0);
}

TEST(TiedLosses, LooksAtTheFirst64UsableLosses) {
  // The last three are those of the first.
  const std::vector<float> losses = Joined(Different(64), Fine({1, 1, 1}));
  EXPECT_EQ(ShareOf(losses), 0);
  EXPECT_EQ(ShareOf(Joined(std::vector<float>(600, -1), losses)), 0);
  // 1, 1, 1, 2, ..., 62: 2 + 31 * 63.
  EXPECT_EQ(ShareOf(Joined(Fine({1, 1}), losses)), 3.0 / 1955);
}

TEST(TiedLosses, LossesOfDifferentReportsDoNotTie) {
  TiedLosses tied;
  tied.AddReport(Different(16));
  tied.AddReport(Different(16));
  EXPECT_EQ(tied.share(), 0);
}

TEST(TiedLosses, ReportsWeighByTheirLoss) {
  // 102 of 238, and 0 of 136.
  const std::vector<float> dead = Joined(Different(16), Fine({34, 34, 34}));
  TiedLosses tied;
  tied.AddReport(dead);
  tied.AddReport(Different(16));
  EXPECT_EQ(tied.share(), 102.0 / 374);
  EXPECT_EQ(tied.count(), 35u);
}

TEST(TiedLosses, AnyOrderOfReportsAndAnyMergesGiveTheSameBytes) {
  std::mt19937_64 generator(1);
  std::lognormal_distribution<float> loss(0, 10);
  std::vector<TiedLosses> reports(20);
  for (TiedLosses& report : reports) {
    std::vector<float> losses(100);
    std::generate(losses.begin(), losses.end(), [&] { return loss(generator); });
    std::fill_n(losses.begin(), generator() % 100, losses[0]);
    report.AddReport(losses);
  }
  TiedLosses in_order;
  for (const TiedLosses& report : reports) {
    in_order.Merge(report);
  }
  std::shuffle(reports.begin(), reports.end(), generator);
  TiedLosses left;
  TiedLosses right;
  for (const TiedLosses& report : reports) {
    TiedLosses& side = generator() % 2 == 0 ? left : right;
    side.Merge(*TiedLosses::Parse(report.Serialize()));
  }
  right.Merge(left);
  EXPECT_EQ(right.Serialize(), in_order.Serialize());
  EXPECT_EQ(right, in_order);
  EXPECT_EQ(right.share(), in_order.share());
}

TEST(LossSample, IsTheSameInAnyPieces) {
  const std::vector<float> losses = Joined({std::nanf("")}, Different(600));
  LossSample whole;
  whole.Add(losses);
  LossSample pieces;
  for (size_t i = 0; i < losses.size(); i += 7) {
    pieces.Add(absl::MakeConstSpan(losses).subspan(i, 7));
  }
  EXPECT_EQ(whole.losses(), Different(64));
  EXPECT_EQ(pieces.losses(), Different(64));
}

TEST(LossSample, AddsTheOffsetInBinary32) {
  LossSample sample;
  sample.Add({-3, -1, 0x1p24f}, /*loss_offset=*/1);
  // 2^24 + 1 is no binary32.
  EXPECT_EQ(sample.losses(), std::vector<float>({0, 0x1p24f}));
}

TEST(TiedLosses, HasTheSpecifiedBytes) {
  TiedLosses tied;
  tied.AddReport(std::vector<float>(16, 0x1p-149f));
  std::string expected(104, '\0');
  expected[0] = 16;   // the count
  expected[8] = 16;   // the sum
  expected[56] = 16;  // that of those that tie
  EXPECT_EQ(tied.Serialize(), expected);
}

TEST(TiedLosses, RefusesBytesOfNoLosses) {
  const auto error_of = [](const std::string& bytes) {
    const absl::StatusOr<TiedLosses> parsed = TiedLosses::Parse(bytes);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(parsed.status().message());
  };
  EXPECT_TRUE(TiedLosses::Parse(TiedLosses().Serialize()).ok());
  EXPECT_THAT(error_of("abc"), HasSubstr("of 3 bytes; expected 104"));
  TiedLosses tied;
  tied.AddReport(std::vector<float>(16, 0.7f));
  const std::string bytes = tied.Serialize();
  const auto changed = [&](size_t position, char value) {
    std::string copy = bytes;
    copy[position] = value;
    return copy;
  };
  // 2^-149 more ties than there is, a negative sum, fewer losses than a report that counts has, and
  // a sum of 2^233, beyond that of 16 losses of any size.
  EXPECT_THAT(error_of(changed(56, 1)), HasSubstr("sum 11.2, of those that tie 11.2"));
  EXPECT_THAT(error_of(changed(103, '\x80')), HasSubstr("of those that tie -"));
  EXPECT_THAT(error_of(changed(0, 15)), HasSubstr("count 15"));
  EXPECT_THAT(error_of(changed(8 + 47, 0x40)), HasSubstr("count 16"));
}

}  // namespace
}  // namespace lehr
