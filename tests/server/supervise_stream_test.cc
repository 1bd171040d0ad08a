#include "server/supervise_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "tests/server/core/fine_losses.h"
#include "tests/server/lehrd_fixture.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

using SuperviseStreamTest = LehrdTest;

TEST_F(SuperviseStreamTest, AReportIsAnsweredByItsDecision) {
  Start();
  auto rank = Rank(JoinOf());
  EXPECT_EQ(rank->welcome().generation(), 1u);
  EXPECT_EQ(rank->welcome().epoch(), 1u);
  EXPECT_EQ(rank->welcome().next_step(), 0);
  rank->Report(0, HotLosses());
  const v1::Decision decision = rank->NextDecision();
  EXPECT_EQ(decision.step(), 0);
  EXPECT_EQ(decision.apply_step(), 1);
  EXPECT_EQ(decision.epoch(), 1u);
  EXPECT_DOUBLE_EQ(decision.observation().temperature(), 3);
  ASSERT_EQ(decision.actions_size(), 1);
  EXPECT_EQ(decision.actions(0).perturb().stddev(), 3);
  EXPECT_EQ(decision.actions(0).perturb().noise_spec(), "philox4x32-10/box-muller-f32/v1");
  EXPECT_EQ(decision.actions(0).perturb().scale(), v1::NOISE_SCALE_ABSOLUTE);
}

TEST_F(SuperviseStreamTest, TheOpenersSettingsHold) {
  Start();
  v1::Join join = JoinOf();
  join.mutable_settings()->mutable_policy()->mutable_error_driven()->set_base_noise_level(0.5);
  join.mutable_settings()->mutable_guards()->set_max_stddev(1);
  join.mutable_settings()->set_lag(2);
  auto rank = Rank(join);
  EXPECT_EQ(rank->welcome().settings().lag(), 2u);
  rank->Report(0, HotLosses());
  const v1::Decision decision = rank->NextDecision();
  EXPECT_EQ(decision.apply_step(), 3);
  EXPECT_EQ(decision.actions(0).perturb().stddev(), 1);
  EXPECT_EQ(decision.reason().value(), 1.5);
  EXPECT_EQ(decision.reason().limit(), 1);
}

TEST_F(SuperviseStreamTest, RanksWaitForOneAnother) {
  Start();
  auto zero = Rank(JoinOf(0, 2));
  auto one = Rank(JoinOf(1, 2));
  zero->Report(0, {3});
  one->Report(0, {0});
  const v1::Decision first = zero->NextDecision();
  EXPECT_EQ(first.reports(), 2u);
  EXPECT_EQ(first.SerializeAsString(), one->NextDecision().SerializeAsString());
}

TEST_F(SuperviseStreamTest, PiecesMakeOneReport) {
  Start();
  auto rank = Rank(JoinOf());
  v1::SuperviseRequest piece;
  piece.mutable_report()->set_step(0);
  piece.mutable_report()->add_losses(3);
  piece.mutable_report()->set_more(true);
  rank->Send(piece);
  rank->Report(0, {0});
  EXPECT_EQ(rank->NextDecision().observation().count(), 2u);
}

TEST_F(SuperviseStreamTest, UnusableLossesAreCountedAndLeftOut) {
  Start();
  auto rank = Rank(JoinOf());
  rank->Report(0, {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                   -1.0f, 3.0f, 0.0f});
  const v1::Observation observation = rank->NextDecision().observation();
  EXPECT_EQ(observation.count(), 2u);
  EXPECT_DOUBLE_EQ(observation.temperature(), 3);
  EXPECT_EQ(observation.nan_losses(), 1u);
  EXPECT_EQ(observation.infinite_losses(), 1u);
  EXPECT_EQ(observation.negative_losses(), 1u);
}

TEST_F(SuperviseStreamTest, TheHighestLossesComeWithTheirExamples) {
  Start();
  auto rank = Rank(JoinOf());
  v1::SuperviseRequest request;
  request.mutable_report()->set_step(0);
  for (const uint64_t id : {10, 11, 12}) {
    request.mutable_report()->add_example_ids(id);
    request.mutable_report()->add_losses(static_cast<float>(id));
  }
  rank->Send(request);
  const v1::Observation observation = rank->NextDecision().observation();
  ASSERT_EQ(observation.highest_size(), 3);
  EXPECT_EQ(observation.highest(0).example_id(), 12u);
  EXPECT_EQ(observation.highest(0).loss(), 12);
  EXPECT_EQ(observation.max(), 12);
}

// 16 losses of 1 and the other 16 different ones: 16 of 16 + 152, as 2 + ... + 17 is 152.
TEST_F(SuperviseStreamTest, TheShareOfTheLossThatTiesIsShownAndAMetric) {
  Start();
  auto rank = Rank(JoinOf());
  std::vector<float> losses(16, 1.0f);
  for (int i = 2; i < 18; ++i) {
    losses.push_back(static_cast<float>(i));
  }
  rank->Report(0, Fine(losses));
  EXPECT_EQ(rank->NextDecision().observation().tied_share(), 16.0 / 168);
  EXPECT_EQ(DescribeRun().observation().tied_share(), 16.0 / 168);
  EXPECT_EQ(History().at(0).decision().observation().tied_share(), 16.0 / 168);
  EXPECT_THAT(metrics_->Serialize(), HasSubstr("lehr_run_tied_share{run=\"digits\"} 0.0952"));
}

// --- Bad input. ---

TEST_F(SuperviseStreamTest, ABadRunIdEndsTheStreamWithTheValue) {
  Start();
  v1::Join join = JoinOf();
  join.set_run_id("../x");
  const grpc::Status status = TestRank(channel_, join).AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("../x"));
}

TEST_F(SuperviseStreamTest, ARankBeyondTheWorldSizeIsRefusedWithTheValue) {
  Start();
  const grpc::Status status = TestRank(channel_, JoinOf(4, 4)).AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("rank is 4"));
}

TEST_F(SuperviseStreamTest, ABadPolicyLeavesNoRunBehind) {
  Start();
  v1::Join join = JoinOf();
  join.mutable_settings()->mutable_policy()->mutable_error_driven()->set_base_noise_level(-2);
  const grpc::Status status = TestRank(channel_, join).AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("base_noise_level is -2"));
  EXPECT_EQ(supervisor_->ListRuns({})->runs_size(), 0);
}

TEST_F(SuperviseStreamTest, TheFirstMessageMustBeJoin) {
  Start();
  TestRank rank(channel_, JoinOf());
  TestRank stranger(channel_, v1::Join());
  EXPECT_EQ(stranger.AwaitEnd().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(SuperviseStreamTest, IdsThatDoNotFitAreRefusedAndTheStreamLives) {
  Start();
  auto rank = Rank(JoinOf());
  v1::SuperviseRequest request;
  request.mutable_report()->set_step(0);
  request.mutable_report()->add_losses(1);
  request.mutable_report()->add_losses(2);
  request.mutable_report()->add_example_ids(7);
  rank->Send(request);
  const v1::SuperviseResponse refusal = rank->Next();
  EXPECT_EQ(refusal.refused().code(), v1::Refused::CODE_INVALID);
  EXPECT_THAT(refusal.refused().message(), HasSubstr("1 example ids for 2 losses"));
  rank->Report(0, HotLosses());
  EXPECT_EQ(rank->NextDecision().step(), 0);
}

TEST_F(SuperviseStreamTest, AStepOutOfBoundsIsRefusedAndTheStreamLives) {
  Start();
  auto rank = Rank(JoinOf());
  rank->Report(std::numeric_limits<int64_t>::max(), HotLosses());
  EXPECT_EQ(rank->Next().refused().code(), v1::Refused::CODE_INVALID);
  rank->Report(0, HotLosses());
  EXPECT_EQ(rank->NextDecision().step(), 0);
}

TEST_F(SuperviseStreamTest, AnOutcomeOutOfBoundsIsRefusedWithItsReport) {
  Start();
  auto rank = Rank(JoinOf());
  v1::SuperviseRequest request;
  request.mutable_report()->set_step(0);
  request.mutable_report()->mutable_outcome()->set_step(-1);
  request.mutable_report()->mutable_outcome()->set_result(v1::CommandOutcome::RESULT_APPLIED);
  rank->Send(request);
  const v1::SuperviseResponse refusal = rank->Next();
  EXPECT_EQ(refusal.refused().code(), v1::Refused::CODE_INVALID);
  EXPECT_THAT(refusal.refused().message(), HasSubstr("step is -1"));
  rank->Report(0, HotLosses());
  EXPECT_EQ(rank->NextDecision().step(), 0);
  EXPECT_EQ(DescribeRun().applied(), 0u);
}

TEST_F(SuperviseStreamTest, APauseOrALeaveOutOfBoundsEndsTheStreamWithTheValue) {
  Start();
  v1::SuperviseRequest pause;
  pause.mutable_pause()->mutable_at_most()->set_seconds(-2);
  auto rank = Rank(JoinOf());
  rank->Send(pause);
  grpc::Status status = rank->AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("at_most is -2s"));
  v1::SuperviseRequest leave;
  leave.mutable_leave()->mutable_outcome()->set_result(static_cast<v1::CommandOutcome::Result>(77));
  rank = Rank(JoinOf());
  rank->Send(leave);
  status = rank->AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("result is 77"));
}

TEST_F(SuperviseStreamTest, ARankThatDoesNotKnowTheNoiseGetsNoCommand) {
  Start();
  v1::Join join = JoinOf();
  join.clear_noise_specs();
  join.add_noise_specs("philox4x32-10/box-muller-f32/v0");
  auto rank = Rank(join);
  rank->Report(0, HotLosses());
  const v1::Decision decision = rank->NextDecision();
  EXPECT_EQ(decision.reason().code(), v1::Reason::CODE_NO_NOISE_SPEC);
  EXPECT_EQ(decision.actions_size(), 0);
  EXPECT_EQ(decision.withheld_size(), 1);
}

TEST_F(SuperviseStreamTest, AStreamTooManyIsRefusedAndTheOthersLive) {
  Start(/*max_streams=*/1);
  auto rank = Rank(JoinOf());
  v1::Join other = JoinOf();
  other.set_run_id("other");
  EXPECT_EQ(TestRank(channel_, other).AwaitEnd().error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  rank->Report(0, HotLosses());
  EXPECT_EQ(rank->NextDecision().step(), 0);
}

TEST_F(SuperviseStreamTest, ARunTooManyIsRefused) {
  Start(/*max_streams=*/8, /*max_runs=*/1);
  auto rank = Rank(JoinOf());
  v1::Join other = JoinOf();
  other.set_run_id("other");
  const grpc::Status status = TestRank(channel_, other).AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("--max_runs"));
}

TEST_F(SuperviseStreamTest, RunsThatAreOverTakeNoRoomUntilThereAreTenTimesAsMany) {
  Start(/*max_streams=*/8, /*max_runs=*/1);
  v1::Join join = JoinOf();
  for (int i = 0; i < 10; ++i) {
    join.set_run_id(absl::StrCat("run-", i));
    auto rank = Rank(join);
    EXPECT_EQ(rank->welcome().generation(), 1u) << i;
    rank->Leave();
    EXPECT_TRUE(rank->Finish().ok());
  }
  // A run that was left goes on.
  join.set_job_attempt("attempt-2");
  EXPECT_EQ(Rank(join)->welcome().generation(), 2u);
  join.set_run_id("run-10");
  const grpc::Status status = TestRank(channel_, join).AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("holds 10 runs"));
}

// --- Who holds a rank. ---

TEST_F(SuperviseStreamTest, AnotherProcessCannotTakeALiveRank) {
  Start();
  auto rank = Rank(JoinOf());
  v1::Join other = JoinOf();
  other.set_process("process-of-another");
  EXPECT_EQ(TestRank(channel_, other).AwaitEnd().error_code(), grpc::StatusCode::ALREADY_EXISTS);
  rank->Report(0, HotLosses());
  EXPECT_EQ(rank->NextDecision().step(), 0);
}

TEST_F(SuperviseStreamTest, TheSameProcessTakesOver) {
  Start();
  auto before = Rank(JoinOf());
  auto after = Rank(JoinOf());
  EXPECT_EQ(before->AwaitEnd().error_code(), grpc::StatusCode::ABORTED);
  after->Report(0, HotLosses());
  EXPECT_EQ(after->NextDecision().step(), 0);
}

TEST_F(SuperviseStreamTest, ANewAttemptOpensAGenerationAndEndsTheOld) {
  Start();
  auto before = Rank(JoinOf(0, 1, "attempt-1"));
  before->Report(0, HotLosses());
  before->NextDecision();
  auto after = Rank(JoinOf(0, 1, "attempt-2"));
  EXPECT_EQ(after->welcome().generation(), 2u);
  EXPECT_EQ(before->AwaitEnd().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  const grpc::Status status = TestRank(channel_, JoinOf(0, 1, "attempt-1")).AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("generation 1"));
  after->Report(0, HotLosses());
  EXPECT_EQ(after->NextDecision().generation(), 2u);
  EXPECT_EQ(History().size(), 2u);
}

TEST_F(SuperviseStreamTest, AnotherWorldSizeNeedsAnotherAttempt) {
  Start();
  auto rank = Rank(JoinOf(0, 2));
  const grpc::Status status = TestRank(channel_, JoinOf(1, 3)).AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("world_size is 3"));
}

TEST_F(SuperviseStreamTest, WithoutAnAttemptTheGenerationIsComparedAndSwapped) {
  Start();
  v1::Join join = JoinOf(0, 1, "");
  join.set_replaces_generation(0);
  EXPECT_EQ(Rank(join)->welcome().generation(), 1u);
  const grpc::Status status = TestRank(channel_, join).AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("replaces generation 0"));
  join.set_replaces_generation(1);
  EXPECT_EQ(Rank(join)->welcome().generation(), 2u);
}

// As after a restart, which reads as many generations.
TEST_F(SuperviseStreamTest, TheNewestAttemptsAreRemembered) {
  Start();
  const auto generation_of = [this](uint64_t attempt) -> absl::StatusOr<uint64_t> {
    const auto seat =
        supervisor_->runs().Join(JoinOf(0, 1, absl::StrCat("attempt-", attempt)),
                                 std::make_shared<RankOutbox>(OutboxOverflow::kClose), absl::Now());
    if (!seat.ok()) {
      return seat.status();
    }
    return seat->seat.generation;
  };
  for (uint64_t attempt = 1; attempt <= kMaxRecoveredGenerations + 1; ++attempt) {
    EXPECT_EQ(generation_of(attempt).value_or(0), attempt);
  }
  EXPECT_EQ(generation_of(2).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(generation_of(1).value_or(0), kMaxRecoveredGenerations + 2);
}

TEST_F(SuperviseStreamTest, ALeaveEndsTheStreamWithOk) {
  Start();
  auto rank = Rank(JoinOf());
  rank->Leave();
  EXPECT_TRUE(rank->Finish().ok());
  EXPECT_EQ(DescribeRun().state(), v1::RUN_STATE_LEFT);
}

// --- Outcomes and guards. ---

TEST_F(SuperviseStreamTest, TheOutcomeThatALeaveBringsIsCounted) {
  Start();
  auto rank = Rank(JoinOf());
  rank->Report(0, HotLosses());
  rank->NextDecision();
  v1::SuperviseRequest request;
  request.mutable_leave()->mutable_outcome()->set_step(0);
  request.mutable_leave()->mutable_outcome()->set_result(v1::CommandOutcome::RESULT_APPLIED);
  rank->Send(request);
  EXPECT_TRUE(rank->Finish().ok());
  EXPECT_EQ(DescribeRun().applied(), 1u);
}

TEST_F(SuperviseStreamTest, OutcomesAreCountedOnceACommand) {
  Start();
  auto zero = Rank(JoinOf(0, 2));
  auto one = Rank(JoinOf(1, 2));
  for (int64_t step = 0; step < 2; ++step) {
    for (TestRank* rank : {zero.get(), one.get()}) {
      v1::SuperviseRequest request;
      request.mutable_report()->set_step(step);
      request.mutable_report()->add_losses(3);
      request.mutable_report()->add_losses(0);
      if (step == 1) {
        request.mutable_report()->mutable_outcome()->set_step(0);
        request.mutable_report()->mutable_outcome()->set_result(v1::CommandOutcome::RESULT_APPLIED);
      }
      rank->Send(request);
    }
    zero->NextDecision();
    one->NextDecision();
  }
  EXPECT_EQ(DescribeRun().applied(), 1u);
  EXPECT_EQ(DescribeRun().commands(), 2u);
  EXPECT_EQ(History().at(0).applied(), 2u);
}

void ReportDigest(TestRank& rank, int64_t step, uint64_t digest) {
  v1::SuperviseRequest request;
  request.mutable_report()->set_step(step);
  request.mutable_report()->add_losses(1);
  request.mutable_report()->set_parameter_digest(digest);
  rank.Send(request);
}

TEST_F(SuperviseStreamTest, ReplicasThatDifferAreSeen) {
  Start();
  {
    auto zero = Rank(JoinOf(0, 2));
    auto one = Rank(JoinOf(1, 2));
    ReportDigest(*zero, 0, 77);
    ReportDigest(*one, 0, 77);
    zero->NextDecision();
    EXPECT_FALSE(DescribeRun().has_replicas_differ_step());
    ReportDigest(*zero, 1, 78);
    ReportDigest(*one, 1, 79);
    zero->NextDecision();
    EXPECT_EQ(DescribeRun().replicas_differ_step(), 1);
    EXPECT_THAT(metrics_->Serialize(), HasSubstr("\nlehr_replica_differences_total 1\n"));
  }
  Stop();
  Start();
  EXPECT_EQ(DescribeRun().replicas_differ_step(), 1);
  // Another attempt begins with parameters of its own.
  auto again = Rank(JoinOf(0, 2, "attempt-2"));
  EXPECT_FALSE(DescribeRun().has_replicas_differ_step());
}

TEST_F(SuperviseStreamTest, LateLossesAreLeftOutAndCounted) {
  Start();
  v1::Join join = JoinOf(0, 2);
  join.mutable_settings()->set_quorum(1);
  join.mutable_settings()->mutable_straggler_timeout()->set_nanos(1'000'000);
  auto zero = Rank(join);
  auto one = Rank(JoinOf(1, 2));
  zero->Report(0, {3, 0});
  EXPECT_EQ(zero->NextDecision().reports(), 1u);
  one->Report(0, {9, 9, 9});
  EXPECT_EQ(one->NextDecision().observation().count(), 2u);
  EXPECT_THAT(metrics_->Serialize(),
              HasSubstr("\nlehr_losses_left_out_total{reason=\"late\"} 3\n"));
}

// With a cooldown, an acting decision that a crash forgets would be made twice.
TEST_F(SuperviseStreamTest, WithACooldownAnActingDecisionIsOnTheDiskBeforeItIsSent) {
  Start();
  v1::Join join = JoinOf();
  join.mutable_settings()->mutable_guards()->set_cooldown_steps(5);
  auto rank = Rank(join);
  rank->Report(0, HotLosses());
  const v1::Decision decision = rank->NextDecision();
  EXPECT_EQ(decision.actions_size(), 1);
  EXPECT_EQ(decision.durable_through(), 0);
}

}  // namespace
}  // namespace lehr
