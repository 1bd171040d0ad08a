// Streams of ranks over restarts of the supervisor.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "tests/server/lehrd_fixture.h"

namespace lehr {
namespace {

class SuperviseRestartTest : public LehrdTest {
 protected:
  // The generation is opened, and before it has a decision the supervisor starts anew, if wanted.
  std::unique_ptr<TestRank> JoinAgain(const v1::Join& join, bool restarted) {
    std::unique_ptr<TestRank> rank = Rank(join);
    if (restarted) {
      rank.reset();
      Stop();
      Start();
      rank = Rank(join);
    }
    return rank;
  }
};

TEST_F(SuperviseRestartTest, ARestartContinuesTheRun) {
  Start();
  auto rank = Rank(JoinOf());
  for (int64_t step = 0; step < 3; ++step) {
    rank->Report(step, HotLosses());
    rank->NextDecision();
  }
  Stop();
  EXPECT_EQ(rank->AwaitEnd().error_code(), grpc::StatusCode::UNAVAILABLE);
  Start();
  EXPECT_EQ(DescribeRun().step(), 2);
  EXPECT_EQ(DescribeRun().commands(), 3u);
  EXPECT_EQ(DescribeRun().state(), v1::RUN_STATE_SILENT);
  v1::Join again = JoinOf();
  again.set_generation(1);
  again.set_highest_step(2);
  again.set_highest_epoch(1);
  rank = Rank(again);
  EXPECT_EQ(rank->welcome().generation(), 1u);
  EXPECT_EQ(rank->welcome().epoch(), 2u);
  EXPECT_EQ(rank->welcome().next_step(), 3);
  rank->Report(3, HotLosses());
  EXPECT_EQ(rank->NextDecision().step(), 3);
  EXPECT_EQ(History().size(), 4u);
}

// The rank holds step 1, which the journal may or may not have kept; it has reported step 2.
TEST_F(SuperviseRestartTest, ACrashLosesNothingThatARankHolds) {
  Start();
  auto rank = Rank(JoinOf());
  rank->Report(0, HotLosses());
  rank->NextDecision();
  rank->Report(1, HotLosses());
  const v1::Decision held = rank->NextDecision();
  Crash();
  Start();
  v1::Join again = JoinOf();
  again.set_generation(1);
  again.set_highest_step(2);
  again.set_highest_epoch(1);
  *again.add_held() = held;
  rank = Rank(again);
  rank->Report(1, HotLosses());
  const v1::Decision resent = rank->NextDecision();
  EXPECT_EQ(resent.actions(0).SerializeAsString(), held.actions(0).SerializeAsString());
  rank->Report(2, HotLosses());
  const v1::Decision unknown = rank->NextDecision();
  EXPECT_EQ(unknown.reason().code(), v1::Reason::CODE_UNKNOWN_AFTER_CRASH);
  EXPECT_EQ(unknown.actions_size(), 0);
  rank->Report(3, HotLosses());
  EXPECT_EQ(rank->NextDecision().actions_size(), 1);
}

// Rank 0 never got the decision about step 0, and is back before rank 1 brings it.
TEST_F(SuperviseRestartTest, ACrashGivesNoRankAnotherDecisionThanOneThatAnotherRankHolds) {
  Start();
  v1::Decision held;
  {
    auto zero = Rank(JoinOf(0, 2));
    auto one = Rank(JoinOf(1, 2));
    zero->Report(0, HotLosses());
    one->Report(0, HotLosses());
    held = one->NextDecision();
  }
  Crash();
  // Not even the generation was synced: the ranks bring all of it.
  std::filesystem::remove_all(data_dir_);
  Start();
  v1::Join joins[] = {JoinOf(0, 2), JoinOf(1, 2)};
  for (v1::Join& join : joins) {
    join.set_generation(1);
    join.set_highest_step(0);
    join.set_highest_epoch(1);
  }
  *joins[1].add_held() = held;
  auto zero = Rank(joins[0]);
  zero->Report(0, HotLosses());
  // A refusal tells that the report was there first.
  zero->Report(-1, {});
  EXPECT_TRUE(zero->Next().has_refused());
  auto one = Rank(joins[1]);
  const v1::Decision restored = zero->NextDecision();
  EXPECT_EQ(restored.reason().code(), v1::Reason::CODE_ACTED);
  ASSERT_EQ(restored.actions_size(), 1);
  EXPECT_EQ(restored.actions(0).SerializeAsString(), held.actions(0).SerializeAsString());
  ASSERT_EQ(History().size(), 1u);
}

// Between the crash and the ranks' return, lehrd was started and stopped in good order: once
// before it served (Stop before any rank came is what a taken port does), and once on SIGTERM.
TEST_F(SuperviseRestartTest, AStopBeforeTheRanksAreBackDoesNotHideACrash) {
  Start();
  auto rank = Rank(JoinOf(0, 2));
  auto other = Rank(JoinOf(1, 2));
  rank->Report(0, HotLosses());
  other->Report(0, {});
  v1::Decision held = rank->NextDecision();
  Crash();
  Start();
  Stop();
  Start();
  v1::Join again = JoinOf(0, 2);
  again.set_generation(1);
  again.set_highest_step(5);
  again.set_highest_epoch(1);
  held.set_step(4);
  held.set_apply_step(5);
  *again.add_held() = held;
  rank = Rank(again);
  Stop();
  Start();
  EXPECT_FALSE(journal_->clean_stop());
  // Step 4 was taken back already; both ranks bring the rest of the story.
  EXPECT_EQ(DescribeRun().step(), 4);
  again.clear_held();
  rank = Rank(again);
  other = Rank(JoinOf(1, 2));
  rank->Report(4, HotLosses());
  EXPECT_EQ(rank->NextDecision().actions(0).SerializeAsString(),
            held.actions(0).SerializeAsString());
  rank->Report(5, HotLosses());
  EXPECT_EQ(rank->NextDecision().reason().code(), v1::Reason::CODE_UNKNOWN_AFTER_CRASH);
  Stop();
  Start();
  EXPECT_TRUE(journal_->clean_stop());
}

TEST_F(SuperviseRestartTest, ADecisionFromBeforeTheRestartIsSentAgainIdentical) {
  Start();
  auto rank = Rank(JoinOf());
  rank->Report(0, HotLosses());
  const v1::Decision before = rank->NextDecision();
  Stop();
  Start();
  v1::Join again = JoinOf();
  again.set_generation(1);
  rank = Rank(again);
  rank->Report(0, HotLosses());
  v1::Decision after = rank->NextDecision();
  EXPECT_EQ(after.epoch(), 2u);
  after.set_epoch(before.epoch());
  after.set_durable_through(before.durable_through());
  EXPECT_EQ(after.SerializeAsString(), before.SerializeAsString());
}

// Only a rank that comes from another supervisor's life makes the epoch rise.
TEST_F(SuperviseRestartTest, AReconnectLeavesTheEpochAsItIs) {
  Start();
  Rank(JoinOf())->Vanish();
  v1::Join again = JoinOf();
  again.set_generation(1);
  again.set_highest_epoch(1);
  EXPECT_EQ(Rank(again)->welcome().epoch(), 1u);
}

// A crash must not give a generation that a job is in to another job.
TEST_F(SuperviseRestartTest, AGenerationIsOnTheDiskBeforeItsRanksAreIn) {
  Start();
  EXPECT_EQ(Rank(JoinOf())->welcome().generation(), 1u);
  Crash();
  Start();
  EXPECT_EQ(Rank(JoinOf(0, 1, "another attempt"))->welcome().generation(), 2u);
}

TEST_F(SuperviseRestartTest, TheEpochRisesAboveWhatARankHasSeen) {
  Start();
  v1::Join join = JoinOf();
  join.set_highest_epoch(41);
  EXPECT_EQ(Rank(join)->welcome().epoch(), 42u);
}

TEST_F(SuperviseRestartTest, ARewindToACheckpointKeepsTheCooldown) {
  Start();
  v1::Join join = JoinOf(0, 1, "attempt-1");
  join.mutable_settings()->mutable_guards()->set_cooldown_steps(100);
  auto rank = Rank(join);
  rank->Report(0, HotLosses());
  rank->NextDecision();
  v1::SuperviseRequest checkpointed;
  checkpointed.mutable_checkpointed()->set_step(0);
  rank->Send(checkpointed);
  rank->Report(1, HotLosses());
  rank->NextDecision();
  join.set_job_attempt("attempt-2");
  join.set_resume_step(1);
  rank = Rank(join);
  rank.reset();
  // Even if nothing was decided in it before a restart.
  Stop();
  Start();
  rank = Rank(join);
  rank->Report(1, HotLosses());
  EXPECT_EQ(rank->NextDecision().reason().code(), v1::Reason::CODE_COOLDOWN);
}

// The checkpoint is of a cooled run, and the new processes begin with the learning rate as planned.
TEST_F(SuperviseRestartTest, ARewindToACheckpointCoolsAgain) {
  Start();
  v1::Join join = JoinOf(0, 1, "attempt-1");
  join.mutable_settings()->mutable_policy()->mutable_reheat()->set_planned_steps(100);
  join.set_scales_learning_rate(true);
  const auto cools = [](const v1::Decision& decision) {
    return std::any_of(decision.actions().begin(), decision.actions().end(),
                       [](const v1::Action& action) { return action.has_learning_rate(); });
  };
  auto rank = Rank(join);
  const auto times_cooled = [&](int64_t first, int64_t last) {
    int times = 0;
    for (int64_t step = first; step <= last; ++step) {
      rank->Report(step, {2, 2});
      times += cools(rank->NextDecision()) ? 1 : 0;
    }
    return times;
  };
  EXPECT_EQ(times_cooled(0, 95), 1);
  v1::SuperviseRequest checkpointed;
  checkpointed.mutable_checkpointed()->set_step(95);
  rank->Send(checkpointed);
  EXPECT_EQ(times_cooled(96, 96), 0);
  join.set_resume_step(96);
  for (const bool restarted : {false, true}) {
    join.set_job_attempt(restarted ? "attempt-3" : "attempt-2");
    rank = JoinAgain(join, restarted);
    EXPECT_EQ(times_cooled(96, 98), 1) << restarted;
  }
}

// Two generations wrote a checkpoint of the same step, and only in the first one had acted by then.
TEST_F(SuperviseRestartTest, ARewindGoesOnFromTheCheckpointOfTheGenerationItNames) {
  Start();
  v1::Join join = JoinOf(0, 1, "attempt-1");
  join.mutable_settings()->mutable_guards()->set_cooldown_steps(100);
  v1::SuperviseRequest checkpointed;
  checkpointed.mutable_checkpointed()->set_step(0);
  auto rank = Rank(join);
  // The decision after it says that it was taken.
  const auto checkpoint = [&] {
    rank->Send(checkpointed);
    rank->Report(1, {0, 0});
    rank->NextDecision();
  };
  rank->Report(0, HotLosses());
  EXPECT_EQ(rank->NextDecision().reason().code(), v1::Reason::CODE_ACTED);
  checkpoint();

  join.set_job_attempt("attempt-2");
  rank = Rank(join);
  rank->Report(0, {0, 0});
  EXPECT_EQ(rank->NextDecision().reason().code(), v1::Reason::CODE_ZERO_STDDEV);
  checkpoint();

  join.set_resume_step(1);
  const auto reason_after = [&](std::optional<uint64_t> resume_generation, bool restarted) {
    join.set_job_attempt(
        absl::StrCat("from ", resume_generation.value_or(77), restarted ? " restarted" : ""));
    join.clear_resume_generation();
    if (resume_generation) {
      join.set_resume_generation(*resume_generation);
    }
    rank = JoinAgain(join, restarted);
    rank->Report(1, HotLosses());
    return rank->NextDecision().reason().code();
  };
  for (const bool restarted : {false, true}) {
    EXPECT_EQ(reason_after(1, restarted), v1::Reason::CODE_COOLDOWN);
    EXPECT_EQ(reason_after(2, restarted), v1::Reason::CODE_ACTED);
    // One that wrote none.
    EXPECT_EQ(reason_after(99, restarted), v1::Reason::CODE_ACTED);
  }
  // The newest generation's checkpoint of step 0, in which it has acted.
  rank.reset();
  join.set_job_attempt("attempt-acted");
  join.clear_resume_step();
  join.clear_resume_generation();
  rank = Rank(join);
  rank->Report(0, HotLosses());
  EXPECT_EQ(rank->NextDecision().reason().code(), v1::Reason::CODE_ACTED);
  checkpoint();
  join.set_resume_step(1);
  for (const bool restarted : {false, true}) {
    EXPECT_EQ(reason_after(std::nullopt, restarted), v1::Reason::CODE_COOLDOWN);
    // None.
    EXPECT_EQ(reason_after(0, restarted), v1::Reason::CODE_ACTED);
  }
}

}  // namespace
}  // namespace lehr
