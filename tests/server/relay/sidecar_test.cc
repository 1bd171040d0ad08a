#include "server/relay/sidecar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "google/protobuf/util/time_util.h"
#include "server/relay/sidecar_http.h"
#include "tests/server/relay/relay_fixture.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

using SidecarTest = RelayTest;

// As a rank that comes back says.
v1::Join Again(v1::Join join, int64_t highest_step, const std::vector<v1::Decision>& held = {}) {
  join.set_generation(1);
  join.set_highest_step(highest_step);
  for (const v1::Decision& decision : held) {
    *join.add_held() = decision;
  }
  return join;
}

// With tensors that give it this many bytes, or up to 20 less.
v1::Join JoinOfSize(v1::Join join, size_t bytes) {
  constexpr size_t kBytesBesideName = 11;
  size_t missing = bytes - join.ByteSizeLong();
  while (missing > 20) {
    v1::TensorReference& tensor = *join.add_tensors();
    tensor.set_name(absl::StrCat(join.tensors_size()));
    tensor.mutable_name()->resize(std::min<size_t>(missing - kBytesBesideName, 500), 'x');
    tensor.set_reference_stddev(1);
    missing -= kBytesBesideName + tensor.name().size();
  }
  return join;
}

// A step decides the same for all ranks that report it.
v1::Decision DecideAlike(int64_t step, const std::vector<TestRank*>& ranks) {
  for (TestRank* rank : ranks) {
    rank->Report(step, {3, 0});
  }
  const v1::Decision decision = ranks.front()->NextDecision();
  for (size_t i = 1; i < ranks.size(); ++i) {
    EXPECT_EQ(ranks[i]->NextDecision().SerializeAsString(), decision.SerializeAsString());
  }
  EXPECT_EQ(decision.step(), step);
  return decision;
}

TEST_F(SidecarTest, ANodesStepGoesUpAndComesDownInOneMessage) {
  Start();
  const auto sidecar = StartSidecar();
  const auto zero = sidecar->Rank(JoinOf(0, 2));
  const auto one = sidecar->Rank(JoinOf(1, 2));
  EXPECT_EQ(zero->welcome().generation(), 1u);
  EXPECT_EQ(zero->welcome().epoch(), 1u);
  for (int64_t step = 0; step < 10; ++step) {
    const v1::Decision decision = DecideAlike(step, {zero.get(), one.get()});
    EXPECT_EQ(decision.reports(), 2u);
    EXPECT_EQ(decision.observation().count(), 4u);
    EXPECT_EQ(decision.actions_size(), 1);
  }
  for (const Metrics* metrics : {&sidecar->metrics(), metrics_.get()}) {
    EXPECT_THAT(metrics->Serialize(), HasSubstr("\nlehr_node_reports_total 10\n"));
    EXPECT_THAT(metrics->Serialize(), HasSubstr("\nlehr_node_report_ranks_total 20\n"));
  }
}

TEST_F(SidecarTest, RanksOfSeveralNodesAndOnTheirOwnMakeOneRun) {
  Start();
  const auto left = StartSidecar();
  const auto right = StartSidecar(kSidecarPort + 1);
  const auto zero = left->Rank(JoinOf(0, 4));
  const auto one = left->Rank(JoinOf(1, 4));
  const auto two = right->Rank(JoinOf(2, 4));
  const auto three = Rank(JoinOf(3, 4));
  for (int64_t step = 0; step < 3; ++step) {
    EXPECT_EQ(DecideAlike(step, {zero.get(), one.get(), two.get(), three.get()}).reports(), 4u);
  }
}

TEST_F(SidecarTest, TheOutcomeOfACommandGoesUp) {
  Start();
  const auto sidecar = StartSidecar();
  const auto rank = sidecar->Rank(JoinOf());
  rank->Report(0, HotLosses());
  rank->NextDecision();
  v1::SuperviseRequest request;
  request.mutable_report()->set_step(1);
  request.mutable_report()->mutable_outcome()->set_step(0);
  request.mutable_report()->mutable_outcome()->set_result(v1::CommandOutcome::RESULT_APPLIED);
  rank->Send(request);
  rank->NextDecision();
  EXPECT_EQ(DescribeRun().applied(), 1u);
}

TEST_F(SidecarTest, ALeaveEndsTheStreamWithOk) {
  Start();
  const auto sidecar = StartSidecar();
  const auto rank = sidecar->Rank(JoinOf());
  rank->Leave();
  EXPECT_TRUE(rank->Finish().ok());
  AwaitRun([](const v1::Run& run) { return run.state() == v1::RUN_STATE_LEFT; });
}

TEST_F(SidecarTest, DigestsAndSnapshotsOfTheRanksGoUp) {
  Start();
  const auto sidecar = StartSidecar();
  const auto zero = sidecar->Rank(JoinOf(0, 2));
  const auto one = sidecar->Rank(JoinOf(1, 2));
  v1::SuperviseRequest request;
  request.mutable_report()->set_parameter_digest(1);
  zero->Send(request);
  request.mutable_report()->set_parameter_digest(2);
  one->Send(request);
  zero->NextDecision();
  one->NextDecision();
  EXPECT_EQ(DescribeRun().replicas_differ_step(), 0);
  EXPECT_TRUE(DescribeRun().has_replicas_differ_step());
}

TEST_F(SidecarTest, NothingActsWhileARankDoesNotKnowTheNoise) {
  Start();
  const auto sidecar = StartSidecar();
  const auto zero = sidecar->Rank(JoinOf(0, 2));
  v1::Join join = JoinOf(1, 2);
  join.clear_noise_specs();
  const auto one = sidecar->Rank(join);
  const v1::Decision decision = DecideAlike(0, {zero.get(), one.get()});
  EXPECT_EQ(decision.reason().code(), v1::Reason::CODE_NO_NOISE_SPEC);
  EXPECT_EQ(decision.actions_size(), 0);
}

// --- What the supervisor refuses. ---

// The supervisor takes a Join of this size from a rank, but not with what a sidecar adds to it.
TEST_F(SidecarTest, AJoinThatFitsInNoMessageIsRefusedAndHarmsNoOtherRank) {
  Start();
  const auto sidecar = StartSidecar();
  const auto zero = sidecar->Rank(JoinOf(0, 2));
  const v1::Join join = JoinOfSize(JoinOf(1, 2), (16 << 20) - 32);
  const grpc::Status status = TestRank(sidecar->channel(), join).AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("bytes of a Join is 167771"));
  const auto one = sidecar->Rank(JoinOf(1, 2));
  DecideAlike(0, {zero.get(), one.get()});
}

TEST_F(SidecarTest, AFaultyPauseEndsItsOwnRankOnly) {
  Start();
  const auto sidecar = StartSidecar();
  const auto zero = sidecar->Rank(JoinOf(0, 2));
  auto one = sidecar->Rank(JoinOf(1, 2));
  v1::SuperviseRequest request;
  request.mutable_pause()->mutable_at_most()->set_seconds(-3);
  one->Send(request);
  const grpc::Status status = one->AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("at_most is -3s"));
  one = sidecar->Rank(JoinOf(1, 2));
  DecideAlike(0, {zero.get(), one.get()});
}

TEST_F(SidecarTest, AnOutcomeOutOfBoundsDoesNotCount) {
  Start();
  const auto sidecar = StartSidecar();
  const auto rank = sidecar->Rank(JoinOf());
  DecideAlike(0, {rank.get()});
  v1::SuperviseRequest request;
  request.mutable_report()->set_step(1);
  request.mutable_report()->mutable_outcome()->set_result(v1::CommandOutcome::RESULT_APPLIED);
  request.mutable_report()->mutable_outcome()->set_unchanged(6);
  rank->Send(request);
  EXPECT_THAT(rank->Next().refused().message(), HasSubstr("unchanged is 6"));
  DecideAlike(1, {rank.get()});
  EXPECT_EQ(DescribeRun().applied(), 0u);
}

TEST_F(SidecarTest, TheEndOfTheRunAnswersTheRanksThatWait) {
  Start();
  const auto sidecar = StartSidecar();
  const auto zero = sidecar->Rank(JoinOf(0, 3));
  const auto one = sidecar->Rank(JoinOf(1, 3));
  const auto two = Rank(JoinOf(2, 3));
  zero->Report(0, {3, 0});
  one->Report(0, {3, 0});
  AwaitNodeReports(1);
  v1::EndRunRequest request;
  request.set_run_id("digits");
  ASSERT_TRUE(supervisor_->EndRun(request).ok());
  for (TestRank* rank : {zero.get(), one.get()}) {
    EXPECT_EQ(rank->Next().refused().code(), v1::Refused::CODE_RUN_ENDED);
  }
}

TEST_F(SidecarTest, TheSupervisorsRefusalOfAJoinReachesTheRank) {
  Start();
  const auto sidecar = StartSidecar();
  v1::Join join = JoinOf();
  join.mutable_settings()->mutable_policy()->mutable_error_driven()->set_base_noise_level(-2);
  const grpc::Status status = TestRank(sidecar->channel(), join).AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("base_noise_level is -2"));
}

TEST_F(SidecarTest, ARefusedReportHarmsNoOtherRank) {
  Start();
  const auto sidecar = StartSidecar();
  const auto zero = sidecar->Rank(JoinOf(0, 2));
  const auto one = sidecar->Rank(JoinOf(1, 2));
  v1::SuperviseRequest request;
  request.mutable_report()->add_losses(1);
  request.mutable_report()->add_losses(2);
  request.mutable_report()->add_example_ids(7);
  zero->Send(request);
  EXPECT_THAT(zero->Next().refused().message(), HasSubstr("1 example ids for 2 losses"));
  zero->Report(std::numeric_limits<int64_t>::max(), HotLosses());
  EXPECT_EQ(zero->Next().refused().code(), v1::Refused::CODE_INVALID);
  DecideAlike(0, {zero.get(), one.get()});
}

TEST_F(SidecarTest, ANewAttemptEndsTheRanksOfTheOld) {
  Start();
  const auto sidecar = StartSidecar();
  const auto before = sidecar->Rank(JoinOf(0, 1, "attempt-1"));
  const auto after = sidecar->Rank(JoinOf(0, 1, "attempt-2"));
  EXPECT_EQ(after->welcome().generation(), 2u);
  EXPECT_EQ(before->AwaitEnd().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  DecideAlike(0, {after.get()});
}

TEST_F(SidecarTest, WhatARankReportedInAnOlderGenerationDoesNotSplitItsSteps) {
  Start();
  const auto sidecar = StartSidecar();
  sidecar->Rank(JoinOf(0, 2, "attempt-1"));
  const auto zero = sidecar->Rank(Again(JoinOf(0, 2, "attempt-2"), 5));
  const auto one = sidecar->Rank(Again(JoinOf(1, 2, "attempt-2"), 5));
  EXPECT_EQ(DecideAlike(0, {zero.get(), one.get()}).generation(), 2u);
  EXPECT_THAT(metrics_->Serialize(), HasSubstr("\nlehr_node_reports_total 1\n"));
}

// --- Who holds a rank. ---

TEST_F(SidecarTest, AnotherProcessCannotTakeALiveRank) {
  Start();
  const auto left = StartSidecar();
  const auto right = StartSidecar(kSidecarPort + 1);
  const auto rank = left->Rank(JoinOf());
  v1::Join other = JoinOf();
  other.set_process("process-of-another");
  for (const auto& channel : {left->channel(), right->channel(), channel_}) {
    EXPECT_EQ(TestRank(channel, other).AwaitEnd().error_code(), grpc::StatusCode::ALREADY_EXISTS);
  }
  DecideAlike(0, {rank.get()});
}

TEST_F(SidecarTest, TheSameProcessTakesOverHoweverItComes) {
  Start();
  const auto left = StartSidecar();
  const auto right = StartSidecar(kSidecarPort + 1);
  auto before = left->Rank(JoinOf());
  int64_t step = 0;
  for (const auto& channel : {left->channel(), right->channel(), channel_, left->channel()}) {
    auto after = TestRank::Joined(channel, Again(JoinOf(), step - 1));
    EXPECT_EQ(before->AwaitEnd().error_code(), grpc::StatusCode::ABORTED);
    DecideAlike(step++, {after.get()});
    before = std::move(after);
  }
}

// Rank 1 is counted alone already when the sum of both comes, which the supervisor cannot take.
TEST_F(SidecarTest, ARankThatIsCountedAlreadyHarmsNoOtherRankOfItsNode) {
  for (const bool dataset : {false, true}) {
    Crash();
    LoseTheDisk();
    Start();
    const auto sidecar = StartSidecar();
    const auto join = [&](uint32_t rank) {
      v1::Join request = JoinOf(rank, 3);
      if (dataset) {
        request.mutable_settings()->set_scope(v1::LOSS_SCOPE_DATASET);
        request.mutable_settings()->set_dataset_examples(6);
      }
      return request;
    };
    const auto report = [&](TestRank& rank, uint64_t number) {
      rank.Report(
          0, {3, 0},
          dataset ? std::vector<uint64_t>{2 * number, 2 * number + 1} : std::vector<uint64_t>());
    };
    const auto zero = sidecar->Rank(join(0));
    const auto two = sidecar->Rank(join(2));
    auto one = Rank(join(1));
    report(*one, 1);
    v1::SuperviseRequest faulty;
    faulty.mutable_report()->add_losses(1);
    faulty.mutable_report()->add_losses(1);
    faulty.mutable_report()->add_example_ids(7);
    one->Send(faulty);
    EXPECT_TRUE(one->Next().has_refused());
    one = sidecar->Rank(join(1));
    report(*one, 1);
    report(*zero, 0);
    report(*two, 2);
    for (TestRank* rank : {zero.get(), one.get(), two.get()}) {
      const v1::Decision decision = rank->NextDecision();
      EXPECT_EQ(decision.reports(), 3u);
      EXPECT_EQ(decision.observation().count(), 6u);
    }
  }
}

// --- Slow and lost ranks. ---

TEST_F(SidecarTest, AStragglerIsLateAndGetsTheDecision) {
  Start();
  v1::Join join = JoinOf(0, 3);
  *join.mutable_settings()->mutable_straggler_timeout() =
      google::protobuf::util::TimeUtil::SecondsToDuration(3);
  const auto sidecar = StartSidecar();
  const auto zero = sidecar->Rank(join);
  const auto one = sidecar->Rank(JoinOf(1, 3));
  const auto two = sidecar->Rank(JoinOf(2, 3));
  zero->Report(0, {3, 0});
  one->Report(0, {3, 0});
  const v1::Decision decision = zero->NextDecision();
  EXPECT_EQ(decision.reports(), 2u);
  two->Report(0, {3, 0});
  EXPECT_EQ(two->NextDecision().actions(0).SerializeAsString(),
            decision.actions(0).SerializeAsString());
  one->NextDecision();
  EXPECT_EQ(DecideAlike(1, {zero.get(), one.get(), two.get()}).reports(), 3u);
}

TEST_F(SidecarTest, WhatALostRankHasReportedCounts) {
  Start();
  const auto sidecar = StartSidecar();
  const auto zero = sidecar->Rank(JoinOf(0, 2));
  const auto one = sidecar->Rank(JoinOf(1, 2));
  one->Report(0, {3, 0});
  // Its report is in the sidecar once a later message of it is answered.
  v1::SuperviseRequest faulty;
  faulty.mutable_report()->add_example_ids(7);
  one->Send(faulty);
  EXPECT_TRUE(one->Next().has_refused());
  one->Vanish();
  AwaitConnected(1);
  zero->Report(0, {3, 0});
  EXPECT_EQ(zero->NextDecision().reports(), 2u);
  const auto back = sidecar->Rank(Again(JoinOf(1, 2), 0));
  EXPECT_EQ(DecideAlike(1, {zero.get(), back.get()}).reports(), 2u);
}

// --- A lost supervisor, a lost sidecar. ---

TEST_F(SidecarTest, WithoutASupervisorJoinsAreRefusedAsUnavailable) {
  const auto sidecar = StartSidecar();
  const grpc::Status status = TestRank(sidecar->channel(), JoinOf()).AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr(listen_.ToString()));
  EXPECT_FALSE(sidecar->sidecar().ready());
  Start();
  const auto rank = sidecar->RankAtLast(JoinOf());
  DecideAlike(0, {rank.get()});
}

TEST_F(SidecarTest, TheSupervisorsStopEndsTheRanksAsUnavailable) {
  Start();
  const auto sidecar = StartSidecar();
  const auto rank = sidecar->Rank(JoinOf());
  DecideAlike(0, {rank.get()});
  Stop();
  EXPECT_EQ(rank->AwaitEnd().error_code(), grpc::StatusCode::UNAVAILABLE);
}

// The ranks hold steps that the journal may not have kept, and bring them through the sidecar.
TEST_F(SidecarTest, ASupervisorThatComesBackLearnsWhatTheRanksHold) {
  Start();
  const auto sidecar = StartSidecar();
  auto zero = sidecar->Rank(JoinOf(0, 2));
  auto one = sidecar->Rank(JoinOf(1, 2));
  std::vector<v1::Decision> held;
  for (int64_t step = 0; step < 3; ++step) {
    held.push_back(DecideAlike(step, {zero.get(), one.get()}));
  }
  Crash();
  EXPECT_EQ(zero->AwaitEnd().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(one->AwaitEnd().error_code(), grpc::StatusCode::UNAVAILABLE);
  LoseTheDisk();
  Start();
  v1::Join again = Again(JoinOf(0, 2), 2, held);
  again.set_highest_epoch(1);
  zero = sidecar->RankAtLast(again);
  one = sidecar->RankAtLast(Again(JoinOf(1, 2), 2, held));
  EXPECT_EQ(one->welcome().epoch(), 2u);
  EXPECT_EQ(one->welcome().next_step(), 3);
  EXPECT_EQ(DecideAlike(3, {zero.get(), one.get()}).reports(), 2u);
  const std::vector<v1::HistoryEntry> history = History();
  ASSERT_EQ(history.size(), 4u);
  for (size_t step = 0; step < held.size(); ++step) {
    EXPECT_EQ(history[step].decision().actions(0).SerializeAsString(),
              held[step].actions(0).SerializeAsString());
  }
}

TEST_F(SidecarTest, ASidecarThatComesBackServesItsRanksAgain) {
  Start();
  auto sidecar = StartSidecar();
  auto zero = sidecar->Rank(JoinOf(0, 2));
  auto one = sidecar->Rank(JoinOf(1, 2));
  DecideAlike(0, {zero.get(), one.get()});
  zero->Report(1, {3, 0});
  sidecar.reset();
  EXPECT_FALSE(zero->AwaitEnd().ok());
  sidecar = StartSidecar();
  // One of them has reported step 1, and cannot know whether it has arrived.
  zero = sidecar->RankAtLast(Again(JoinOf(0, 2), 1));
  one = sidecar->RankAtLast(Again(JoinOf(1, 2), 0));
  EXPECT_EQ(DecideAlike(1, {zero.get(), one.get()}).reports(), 2u);
  EXPECT_EQ(DescribeRun().conflicts(), 0u);
}

TEST_F(SidecarTest, AStoppingSidecarPassesUpWhatItHolds) {
  Start();
  auto sidecar = StartSidecar();
  const auto zero = sidecar->Rank(JoinOf(0, 3));
  const auto one = sidecar->Rank(JoinOf(1, 3));
  const auto two = Rank(JoinOf(2, 3));
  zero->Report(0, {3, 0});
  v1::SuperviseRequest faulty;
  faulty.mutable_report()->add_example_ids(7);
  zero->Send(faulty);
  EXPECT_TRUE(zero->Next().has_refused());
  sidecar->Stop();
  EXPECT_EQ(zero->AwaitEnd().error_code(), grpc::StatusCode::UNAVAILABLE);
  AwaitConnected(1);
  two->Report(0, {3, 0});
  const auto back = Rank(Again(JoinOf(1, 3), -1));
  back->Report(0, {3, 0});
  EXPECT_EQ(back->NextDecision().reports(), 3u);
}

// --- What a sidecar is not. ---

TEST_F(SidecarTest, RunsAreAtTheSupervisor) {
  Start();
  const auto sidecar = StartSidecar();
  grpc::ClientContext context;
  v1::ListRunsResponse response;
  const grpc::Status status =
      v1::RunsService::NewStub(sidecar->channel())->ListRuns(&context, {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_THAT(status.error_message(), HasSubstr(address_));
}

TEST_F(SidecarTest, SidecarsDoNotChain) {
  Start();
  const auto sidecar = StartSidecar();
  const TestSidecar second(OwnAddress(kSidecarPort + 1), OwnAddress(kSidecarPort).ToString());
  const grpc::Status status = TestRank(second.channel(), JoinOf()).AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("is a sidecar; ask the supervisor at " + address_));
}

TEST_F(SidecarTest, HttpServesHealthAndMetrics) {
  Start();
  const auto sidecar = StartSidecar();
  const auto get = [&](const std::string& path) {
    return SidecarHttp(sidecar->sidecar(), sidecar->metrics(), {.method = "GET", .path = path});
  };
  const auto rank = sidecar->Rank(JoinOf());
  EXPECT_EQ(get("/healthz").code, 200);
  EXPECT_THAT(get("/metrics").body, HasSubstr("\nlehr_streams 1\n"));
  EXPECT_EQ(get("/").code, 404);
  EXPECT_THAT(get("/api/v1/runs").body, HasSubstr(address_));
  sidecar->sidecar().BeginShutdown();
  EXPECT_EQ(get("/readyz").code, 503);
}

}  // namespace
}  // namespace lehr
