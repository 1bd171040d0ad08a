#include "server/core/replica_digests.h"

#include <gtest/gtest.h>

namespace lehr {
namespace {

TEST(ReplicaDigests, EqualOnesAreNoDifference) {
  ReplicaDigests digests(3);
  EXPECT_FALSE(digests.Add(0, 5, 77).has_value());
  EXPECT_FALSE(digests.Add(1, 5, 77).has_value());
  EXPECT_FALSE(digests.Add(2, 5, 77).has_value());
}

TEST(ReplicaDigests, AnotherOneIsToldWithBothRanks) {
  ReplicaDigests digests(3);
  digests.Add(2, 5, 77);
  const auto difference = digests.Add(0, 5, 78);
  ASSERT_TRUE(difference.has_value());
  EXPECT_EQ(difference->step, 5);
  EXPECT_EQ(difference->first_rank, 2u);
  EXPECT_EQ(difference->first_digest, 77u);
  EXPECT_EQ(difference->rank, 0u);
  EXPECT_EQ(difference->digest, 78u);
}

// Ranks that hold other shards hold other parameters.
TEST(ReplicaDigests, OnlyRanksOfOneShardAreCompared) {
  ReplicaDigests digests(4);
  for (const uint32_t rank : {0u, 1u, 2u, 3u}) {
    digests.SetShard(rank, /*shard_id=*/rank % 2);
  }
  EXPECT_FALSE(digests.Add(0, 5, 10).has_value());
  EXPECT_FALSE(digests.Add(1, 5, 20).has_value());
  EXPECT_FALSE(digests.Add(2, 5, 10).has_value());
  const auto difference = digests.Add(3, 5, 10);
  ASSERT_TRUE(difference.has_value());
  EXPECT_EQ(difference->shard_id, 1u);
}

TEST(ReplicaDigests, OnlyTheSameStepIsCompared) {
  ReplicaDigests digests(2);
  digests.Add(0, 5, 10);
  EXPECT_FALSE(digests.Add(1, 6, 11).has_value());
  EXPECT_FALSE(digests.Add(1, 5, 10).has_value());
}

TEST(ReplicaDigests, AReportSentAgainIsNoDifference) {
  ReplicaDigests digests(1);
  digests.Add(0, 5, 10);
  EXPECT_FALSE(digests.Add(0, 5, 10).has_value());
}

// Memory is bounded: what is older than the newest steps is not looked at.
TEST(ReplicaDigests, OldStepsAreForgotten) {
  ReplicaDigests digests(2);
  for (int64_t step = 0; step <= static_cast<int64_t>(kMaxDigestSteps); ++step) {
    digests.Add(0, step, 10);
  }
  EXPECT_FALSE(digests.Add(1, 0, 11).has_value());
  EXPECT_TRUE(digests.Add(1, 1, 11).has_value());
}

}  // namespace
}  // namespace lehr
