#include "tests/study/efficacy/paired.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/study/efficacy/study_results.h"

namespace lehr {
namespace {

TEST(Paired, CountsSeedsOfOneAloneAndWhoIsFaster) {
  std::vector<TrialResult> results = ResultsOf("xor-paper", "restart (window 5)", {9, -1, 5, 5, 1});
  Add(ResultsOf("xor-paper", "reheat", {3, 4, -1, 5, 2}), results);
  const std::vector<PeerComparison> all = CompareWithPeers(RowsOf(results));
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].ours_only, 1);
  EXPECT_EQ(all[0].peer_only, 1);
  EXPECT_EQ(all[0].ours_faster, 1);
  EXPECT_EQ(all[0].peer_faster, 1);
  EXPECT_EQ(all[0].ours(), 2);
  EXPECT_EQ(all[0].peers(), 2);
}

// Two peers on two tasks make a family of four tests. 12 of 12 faster: p = 2/2^12, the least of
// all, times 4; 11 of 11: 2/2^11 times 3. The two others are 1.
TEST(Paired, CorrectsOverAllPeersAndTasks) {
  const std::vector<int64_t> ours(12, 1);
  std::vector<int64_t> eleven(12, 2);
  eleven[0] = 1;
  std::vector<TrialResult> results;
  for (const char* task : {"xor-paper", "xor-221-bce"}) {
    Add(ResultsOf(task, "reheat", ours), results);
    Add(ResultsOf(task, "none", ours), results);
  }
  Add(ResultsOf("xor-paper", "restart (window 5)", std::vector<int64_t>(12, 2)), results);
  Add(ResultsOf("xor-221-bce", "restart (window 2)", eleven), results);
  const std::vector<PeerComparison> all = CompareWithPeers(RowsOf(results));
  ASSERT_EQ(all.size(), 4U);
  EXPECT_NEAR(all[1].p, 4.0 * 2 / 4096, 1e-9);
  EXPECT_NEAR(all[3].p, 3.0 * 2 / 2048, 1e-9);
  EXPECT_EQ(all[0].p, 1);
}

// Neither reheat without snapshots nor a task without a goal adds tests, which would make the
// correction stricter.
TEST(Paired, LeavesOutWhatIsNoPeerAndWhatHasNoGoal) {
  std::vector<TrialResult> results;
  for (const char* task : {"xor-paper", "digits-wide"}) {
    Add(ResultsOf(task, "reheat", {1}), results);
    Add(ResultsOf(task, "reheat-bare (no snapshots)", {1}), results);
    Add(ResultsOf(task, "none", {1}), results);
  }
  const std::vector<Row> rows = RowsOf(results);
  const std::vector<PeerComparison> all = CompareWithPeers(rows);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].peer->arm, "none");
}

TEST(Paired, APeerIsBetterIfItWinsAtTheStudysLevel) {
  EXPECT_TRUE(PeerIsBetter({.peer_only = 3, .p = 0.0009}));
  EXPECT_TRUE(PeerIsBetter({.ours_only = 2, .peer_faster = 3, .p = 0.0009}));
  EXPECT_FALSE(PeerIsBetter({.peer_faster = 3, .p = 0.001}));
  // It frees less, and is faster where both do.
  EXPECT_FALSE(PeerIsBetter({.ours_only = 4, .peer_faster = 3, .p = 0}));
}

}  // namespace
}  // namespace lehr
