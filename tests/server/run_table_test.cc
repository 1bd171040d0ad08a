#include "server/run_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/server/run_table_fixture.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

StepReport HotReport(int64_t step) {
  StepReport report;
  report.step = step;
  report.losses.Add(std::vector<float>{3, 0});
  return report;
}

TEST_F(RunTableTest, TheFirstJoinOpensARunThatIsFoundByItsId) {
  ASSERT_TRUE(table_->Join(JoinOf(), NewOutbox(), kStart).ok());
  const auto run = table_->Find("digits");
  ASSERT_TRUE(run.ok());
  EXPECT_EQ((*run)->run_id(), "digits");
  EXPECT_EQ(table_->All().size(), 1u);
}

TEST_F(RunTableTest, FindNamesTheIdThatItDoesNotFind) {
  const absl::Status unknown = table_->Find("digits").status();
  EXPECT_EQ(unknown.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("digits"));
  EXPECT_EQ(table_->Find("../digits").status().code(), absl::StatusCode::kInvalidArgument);
}

// A join that is refused leaves no run behind.
TEST_F(RunTableTest, ARefusedJoinOpensNothing) {
  v1::Join join = JoinOf();
  join.set_rank(1);
  EXPECT_EQ(table_->Join(join, NewOutbox(), kStart).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(table_->All().empty());
}

TEST_F(RunTableTest, NobodyJoinsOnceItStops) {
  table_->Stop();
  EXPECT_EQ(table_->Join(JoinOf(), NewOutbox(), kStart).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(RunTableTest, OnlySoManyRunsGoOnAtATime) {
  Restart(/*max_runs=*/1);
  ASSERT_TRUE(table_->Join(JoinOfRun("one"), NewOutbox(), kStart).ok());
  const absl::Status full = table_->Join(JoinOfRun("two"), NewOutbox(), kStart).status();
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), HasSubstr("--max_runs"));
  // Its own ranks still find it.
  EXPECT_TRUE(table_->Join(JoinOfRun("one"), NewOutbox(), kStart).ok());
  (*table_->Find("one"))->End();
  EXPECT_TRUE(table_->Join(JoinOfRun("two"), NewOutbox(), kStart).ok());
}

TEST_F(RunTableTest, RunsThatAreOverFillItTenTimesLater) {
  Restart(/*max_runs=*/1);
  for (uint32_t i = 0; i < kRunsHeld; ++i) {
    const std::string run_id = "run-" + std::to_string(i);
    ASSERT_TRUE(table_->Join(JoinOfRun(run_id), NewOutbox(), kStart).ok()) << i;
    (*table_->Find(run_id))->End();
  }
  const absl::Status full = table_->Join(JoinOfRun("one-more"), NewOutbox(), kStart).status();
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), HasSubstr("holds 10 runs"));
}

// The journal was restored from a backup: ranks would take nothing of a lower epoch.
TEST_F(RunTableTest, TheEpochRisesAboveWhatARankHasSeen) {
  v1::Join join = JoinOf();
  join.set_highest_epoch(41);
  ASSERT_TRUE(table_->Join(join, NewOutbox(), kStart).ok());
  EXPECT_EQ(journal_->epoch(), 42u);
}

TEST_F(RunTableTest, TheEpochStaysForARankThatHasItFromHere) {
  auto outbox = NewOutbox();
  v1::Join join = JoinOf();
  const auto seat = table_->Join(join, outbox, kStart);
  ASSERT_TRUE(seat.ok());
  seat->run->Disconnected(seat->seat, kStart);
  join.set_generation(1);
  join.set_highest_epoch(journal_->epoch());
  ASSERT_TRUE(table_->Join(join, NewOutbox(), kStart).ok());
  EXPECT_EQ(journal_->epoch(), 1u);
}

TEST_F(RunTableTest, StoppedActingHoldsForEveryRunAndOverARestart) {
  auto older = NewOutbox();
  const auto before = table_->Join(JoinOfRun("before"), older, kStart);
  ASSERT_TRUE(before.ok());
  table_->StopActing(true);
  auto newer = NewOutbox();
  const auto after = table_->Join(JoinOfRun("after"), newer, kStart);
  ASSERT_TRUE(after.ok());
  Settle();
  before->run->Report(before->seat, HotReport(0), kStart);
  after->run->Report(after->seat, HotReport(0), kStart);
  Settle();
  for (RankOutbox* outbox : {older.get(), newer.get()}) {
    ASSERT_TRUE(Next(*outbox)->has_welcome());
    const auto decision = Next(*outbox);
    ASSERT_TRUE(decision && decision->has_decision());
    EXPECT_EQ(decision->decision().actions_size(), 0);
    EXPECT_EQ(decision->decision().reason().code(), v1::Reason::CODE_ACTING_STOPPED);
  }
  Restart();
  EXPECT_TRUE(table_->acting_stopped());
}

TEST_F(RunTableTest, AStragglersStepClosesAtTheTickThatItAskedFor) {
  v1::Join join = JoinOf(0, 2);
  join.mutable_settings()->set_quorum(1);
  join.mutable_settings()->mutable_straggler_timeout()->set_seconds(7);
  auto outbox = NewOutbox();
  const auto zero = table_->Join(join, outbox, kStart);
  ASSERT_TRUE(zero.ok());
  ASSERT_TRUE(table_->Join(JoinOf(1, 2), NewOutbox(), kStart).ok());
  Settle();
  ASSERT_TRUE(Next(*outbox)->has_welcome());
  zero->run->Report(zero->seat, HotReport(0), kStart);
  EXPECT_EQ(wake_at_, kStart + absl::Seconds(7));
  Settle(kStart + absl::Seconds(6));
  EXPECT_FALSE(Next(*outbox));
  Settle(wake_at_);
  const auto decision = Next(*outbox);
  ASSERT_TRUE(decision && decision->has_decision());
  EXPECT_EQ(decision->decision().reports(), 1u);
}

TEST_F(RunTableTest, ARestartTakesUpEveryRun) {
  ASSERT_TRUE(table_->Join(JoinOfRun("one"), NewOutbox(), kStart).ok());
  ASSERT_TRUE(table_->Join(JoinOfRun("two"), NewOutbox(), kStart).ok());
  Restart();
  EXPECT_EQ(table_->All().size(), 2u);
  EXPECT_TRUE(table_->Find("one").ok());
  EXPECT_TRUE(table_->Find("two").ok());
}

}  // namespace
}  // namespace lehr
