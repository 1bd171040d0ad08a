#include "server/core/membership.h"

#include <gtest/gtest.h>

#include <limits>

namespace lehr {
namespace {

constexpr int64_t kNobody = std::numeric_limits<int64_t>::max();
const absl::Time kNoon = absl::UnixEpoch() + absl::Hours(12);

TEST(Membership, AwaitsEveryRankBeforeItHasJoined) {
  const Membership members(3, /*reported_through=*/9);
  EXPECT_EQ(members.AwaitedThrough(), 9);
}

TEST(Membership, TheSlowestAwaitedRankCounts) {
  Membership members(3, -1);
  members.Report(0, 5, 1);
  members.Report(1, 7, 1);
  EXPECT_EQ(members.AwaitedThrough(), -1);
  members.Report(2, 6, 1);
  EXPECT_EQ(members.AwaitedThrough(), 5);
}

TEST(Membership, ASilencedRankIsNotAwaitedUntilItReports) {
  Membership members(2, -1);
  members.Report(0, 4, 1);
  members.SilenceMissing(4);
  EXPECT_EQ(members.AwaitedThrough(), 4);
  members.Report(1, 2, 1);
  EXPECT_EQ(members.AwaitedThrough(), 2);
}

TEST(Membership, ARankThatLeftIsNotAwaited) {
  Membership members(2, -1);
  members.Leave(0);
  members.Leave(1);
  EXPECT_EQ(members.AwaitedThrough(), kNobody);
  EXPECT_EQ(members.left(), 2u);
}

TEST(Membership, CountsJoinedConnectedAndAgreeing) {
  Membership members(3, -1);
  members.Connect(0, "a", /*can_agree=*/true);
  members.Connect(1, "b", /*can_agree=*/false);
  members.Disconnect(0);
  EXPECT_EQ(members.joined(), 2u);
  EXPECT_EQ(members.connected(), 1u);
  EXPECT_EQ(members.without_agree(), 1u);
  members.Connect(1, "b", /*can_agree=*/true);
  EXPECT_EQ(members.joined(), 2u);
  EXPECT_EQ(members.without_agree(), 0u);
}

TEST(Membership, OnlyThePausesOfMissingRanksCount) {
  Membership members(2, -1);
  members.Pause(0, kNoon);
  EXPECT_EQ(members.LongestPauseOfMissing(0), kNoon);
  members.Report(1, 0, 1);
  members.Pause(1, kNoon + absl::Hours(1));
  EXPECT_EQ(members.LongestPauseOfMissing(0), kNoon);
}

TEST(Membership, AReportEndsAPause) {
  Membership members(1, -1);
  members.Pause(0, kNoon);
  members.Report(0, 0, 1);
  EXPECT_EQ(members.LongestPauseOfMissing(1), absl::InfinitePast());
}

// ---- Snapshots.

TEST(Membership, ASnapshotIsHeldOnceEveryRankSaysSo) {
  Membership members(2, -1);
  members.Connect(0, "p", true);
  members.Connect(1, "q", true);
  members.HoldSnapshots(0, {7, 8});
  EXPECT_EQ(members.WithoutSnapshot(7), 1u);
  members.HoldSnapshots(1, {7});
  EXPECT_EQ(members.WithoutSnapshot(7), 0u);
  EXPECT_EQ(members.WithoutSnapshot(8), 1u);
  EXPECT_EQ(members.WithoutSnapshot(9), 2u);
}

TEST(Membership, AReportSaysAllThatARankHolds) {
  Membership members(1, -1);
  members.HoldSnapshots(0, {7, 8});
  members.HoldSnapshots(0, {8});
  EXPECT_EQ(members.WithoutSnapshot(7), 1u);
}

// Snapshots live in the memory of a process.
TEST(Membership, AnotherProcessHoldsNoneOfItsPredecessors) {
  Membership members(1, -1);
  members.Connect(0, "p", true);
  members.HoldSnapshots(0, {7});
  members.Disconnect(0);
  members.Connect(0, "p", true);
  EXPECT_EQ(members.WithoutSnapshot(7), 0u);
  members.Disconnect(0);
  members.Connect(0, "another", true);
  EXPECT_EQ(members.WithoutSnapshot(7), 1u);
}

// ---- The learning rate.

TEST(Membership, TheLearningRateCanBeScaledOnceEveryRankCan) {
  Membership members(2, -1);
  members.Connect(0, "p", true);
  members.CanScaleLearningRate(0, true);
  EXPECT_FALSE(members.AllScaleLearningRate());
  members.CanScaleLearningRate(1, true);
  EXPECT_TRUE(members.AllScaleLearningRate());
  members.CanScaleLearningRate(0, false);
  EXPECT_FALSE(members.AllScaleLearningRate());
}

}  // namespace
}  // namespace lehr
