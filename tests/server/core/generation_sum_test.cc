// Reports of several ranks in one sum, as a sidecar passes them up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/core/generation_fixture.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<ReportingRank> Ranks(std::vector<uint32_t> numbers, uint64_t digest = 1) {
  std::vector<ReportingRank> ranks;
  for (const uint32_t rank : numbers) {
    ranks.push_back({.rank = rank, .digest = digest});
  }
  return ranks;
}

TEST(Generation, ASumCountsForAllOfItsRanks) {
  Generation generation = Joined(Spec(3));
  EXPECT_THAT(ClosedBy(generation.ReportTogether(Ranks({0, 2}), Losses(0, {1, 2}), kStart)),
              IsEmpty());
  const auto closed = ClosedBy(generation.Report(1, Losses(0, {3}), kStart));
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_THAT(closed[0].reporters, ElementsAre(0, 2, 1));
  EXPECT_EQ(closed[0].decision->reports, 3u);
  EXPECT_EQ(closed[0].decision->observation.temperature.count, 3u);
}

TEST(Generation, ASumSentAgainCountsOnce) {
  Generation generation = Joined(Spec(3));
  generation.ReportTogether(Ranks({0, 2}), Losses(0), kStart);
  EXPECT_THAT(ClosedBy(generation.ReportTogether(Ranks({2}), Losses(0), kStart)), IsEmpty());
  const auto closed = ClosedBy(generation.Report(1, Losses(0), kStart));
  EXPECT_EQ(closed.at(0).decision->observation.temperature.count, 4u);
}

TEST(Generation, ASumOfCountedAndOtherRanksIsRefused) {
  Generation generation = Joined(Spec(3));
  generation.ReportTogether(Ranks({0}), Losses(0), kStart);
  const auto refused =
      std::get<ReportRefused>(generation.ReportTogether(Ranks({0, 2}), Losses(0), kStart));
  EXPECT_EQ(refused.code, RefusalCode::kInvalid);
  EXPECT_THAT(refused.message, HasSubstr("for 2 ranks, of which 1 have reported it before"));
  generation.ReportTogether(Ranks({1, 2}), Losses(0), kStart);
  EXPECT_EQ(generation.decided_through(), 0);
}

TEST(Generation, OneConflictRefusesASum) {
  Generation generation = Joined(Spec(3));
  generation.ReportTogether(Ranks({0, 2}), Losses(0), kStart);
  std::vector<ReportingRank> ranks = Ranks({0, 2});
  ranks[1].digest = 7;
  const auto refused = std::get<ReportRefused>(generation.ReportTogether(ranks, Losses(0), kStart));
  EXPECT_EQ(refused.code, RefusalCode::kConflict);
  EXPECT_THAT(refused.message, HasSubstr("rank 2"));
}

TEST(Generation, ALateSumIsAnsweredForAllOfItsRanks) {
  Generation generation = Joined(Spec(3));
  generation.Report(0, Losses(0), kStart);
  generation.ReportTogether(Ranks({1, 2}), Losses(0), kStart);
  const auto again =
      std::get<ReportAnswered>(generation.ReportTogether(Ranks({1, 2}), Losses(0), kStart));
  EXPECT_EQ(again.decision->step, 0);
  EXPECT_FALSE(again.conflict);
  EXPECT_FALSE(again.late);
}

}  // namespace
}  // namespace lehr
