#include "server/runs_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/server/lehrd_fixture.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

using RunsServiceTest = LehrdTest;

TEST_F(RunsServiceTest, ListsRunsNewestFirstInPages) {
  Start();
  std::vector<std::unique_ptr<TestRank>> ranks;
  for (const std::string run_id : {"a", "b", "c"}) {
    v1::Join join = JoinOf();
    join.set_run_id(run_id);
    ranks.push_back(Rank(join));
  }
  v1::ListRunsRequest request;
  request.set_page_size(2);
  v1::ListRunsResponse response;
  grpc::ClientContext first;
  ASSERT_TRUE(runs_->ListRuns(&first, request, &response).ok());
  ASSERT_EQ(response.runs_size(), 2);
  EXPECT_EQ(response.runs(0).run_id(), "c");
  EXPECT_EQ(response.runs(1).run_id(), "b");
  request.set_page_token(response.next_page_token());
  grpc::ClientContext second;
  ASSERT_TRUE(runs_->ListRuns(&second, request, &response).ok());
  ASSERT_EQ(response.runs_size(), 1);
  EXPECT_EQ(response.runs(0).run_id(), "a");
  EXPECT_EQ(response.next_page_token(), "");
}

TEST_F(RunsServiceTest, RefusesWhatItDoesNotKnow) {
  Start();
  const auto status_of = [&](const std::string& run_id) {
    grpc::ClientContext context;
    v1::GetRunRequest request;
    request.set_run_id(run_id);
    v1::GetRunResponse response;
    return runs_->GetRun(&context, request, &response);
  };
  EXPECT_EQ(status_of("nobody").error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status_of("nobody").error_message(), HasSubstr("nobody"));
  EXPECT_EQ(status_of("../x").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(RunsServiceTest, PagesThroughTheHistory) {
  Start();
  auto rank = Rank(JoinOf());
  for (int64_t step = 0; step < 5; ++step) {
    rank->Report(step, HotLosses());
    rank->NextDecision();
  }
  v1::GetHistoryRequest request;
  request.set_run_id("digits");
  request.set_page_size(2);
  request.set_from_step(1);
  std::vector<int64_t> steps;
  do {
    grpc::ClientContext context;
    v1::GetHistoryResponse response;
    ASSERT_TRUE(runs_->GetHistory(&context, request, &response).ok());
    for (const v1::HistoryEntry& entry : response.entries()) {
      steps.push_back(entry.decision().step());
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(steps, ::testing::ElementsAre(1, 2, 3, 4));
}

TEST_F(RunsServiceTest, RefusesBadPages) {
  Start();
  auto rank = Rank(JoinOf());
  const auto message_of = [&](const v1::GetHistoryRequest& request) {
    grpc::ClientContext context;
    v1::GetHistoryResponse response;
    return runs_->GetHistory(&context, request, &response).error_message();
  };
  v1::GetHistoryRequest request;
  request.set_run_id("digits");
  request.set_page_token("x\n");
  EXPECT_THAT(message_of(request), HasSubstr("\"x\\n\""));
  request.clear_page_token();
  request.set_page_size(10001);
  EXPECT_THAT(message_of(request), HasSubstr("10001"));
  request.clear_page_size();
  request.set_from_step(-1);
  EXPECT_THAT(message_of(request), HasSubstr("-1"));
}

TEST_F(RunsServiceTest, WatchTellsTheRunThenDecisionsThenTheEnd) {
  Start();
  auto rank = Rank(JoinOf());
  grpc::ClientContext context;
  v1::WatchRunRequest request;
  request.set_run_id("digits");
  auto reader = runs_->WatchRun(&context, request);
  v1::WatchRunResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.run().run_id(), "digits");
  rank->Report(0, HotLosses());
  rank->NextDecision();
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.decision().step(), 0);
  rank->Leave();
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.run().state(), v1::RUN_STATE_LEFT);
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(RunsServiceTest, APolicyChangeHoldsFromTheNextStepAndSurvivesARestart) {
  Start();
  auto rank = Rank(JoinOf());
  rank->Report(0, HotLosses());
  rank->NextDecision();
  grpc::ClientContext context;
  v1::SetPolicyRequest request;
  request.set_run_id("digits");
  request.mutable_policy()->set_observe(true);
  request.mutable_policy()->mutable_error_driven();
  v1::SetPolicyResponse response;
  ASSERT_TRUE(runs_->SetPolicy(&context, request, &response).ok());
  EXPECT_EQ(response.from_step(), 1);
  rank->Report(1, HotLosses());
  EXPECT_EQ(rank->NextDecision().reason().code(), v1::Reason::CODE_OBSERVE_ONLY);
  Stop();
  Start();
  EXPECT_TRUE(DescribeRun().settings().policy().observe());
}

TEST_F(RunsServiceTest, ABadPolicyChangesNothing) {
  Start();
  auto rank = Rank(JoinOf());
  grpc::ClientContext context;
  v1::SetPolicyRequest request;
  request.set_run_id("digits");
  request.mutable_policy()->mutable_error_driven()->set_base_noise_level(7);
  request.mutable_guards()->set_max_stddev(-1);
  v1::SetPolicyResponse response;
  const grpc::Status status = runs_->SetPolicy(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(DescribeRun().settings().policy().error_driven().base_noise_level(), 1);
}

TEST_F(RunsServiceTest, StopActingHoldsForEveryRunAndSurvivesARestart) {
  Start();
  auto rank = Rank(JoinOf());
  grpc::ClientContext context;
  v1::StopActingRequest request;
  request.set_stop(true);
  v1::StopActingResponse response;
  ASSERT_TRUE(runs_->StopActing(&context, request, &response).ok());
  rank->Report(0, HotLosses());
  EXPECT_EQ(rank->NextDecision().reason().code(), v1::Reason::CODE_ACTING_STOPPED);
  Stop();
  Start();
  EXPECT_TRUE(supervisor_->ListRuns({})->acting_stopped());
}

TEST_F(RunsServiceTest, AnEndedRunRefusesReportsAndJoins) {
  Start();
  auto rank = Rank(JoinOf());
  grpc::ClientContext context;
  v1::EndRunRequest request;
  request.set_run_id("digits");
  v1::EndRunResponse response;
  ASSERT_TRUE(runs_->EndRun(&context, request, &response).ok());
  EXPECT_EQ(response.run().state(), v1::RUN_STATE_ENDED);
  rank->Report(0, HotLosses());
  EXPECT_EQ(rank->Next().refused().code(), v1::Refused::CODE_RUN_ENDED);
  EXPECT_EQ(TestRank(channel_, JoinOf(0, 1, "attempt-2")).AwaitEnd().error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(RunsServiceTest, AChangeThatWasAcknowledgedSurvivesACrash) {
  commit_interval_ = absl::Hours(1);
  Start();
  auto rank = Rank(JoinOf());
  v1::SetPolicyRequest policy;
  policy.set_run_id("digits");
  policy.mutable_policy()->mutable_error_driven()->set_base_noise_level(7);
  ASSERT_TRUE(supervisor_->SetPolicy(policy).ok());
  Crash();
  Start();
  EXPECT_EQ(DescribeRun().settings().policy().error_driven().base_noise_level(), 7);
  v1::StopActingRequest stop;
  stop.set_stop(true);
  ASSERT_TRUE(supervisor_->StopActing(stop).ok());
  Crash();
  Start();
  EXPECT_TRUE(supervisor_->ListRuns({})->acting_stopped());
  v1::EndRunRequest end;
  end.set_run_id("digits");
  ASSERT_TRUE(supervisor_->EndRun(end).ok());
  Crash();
  Start();
  EXPECT_EQ(DescribeRun().state(), v1::RUN_STATE_ENDED);
}

TEST_F(RunsServiceTest, AChangeThatTheDiskDoesNotTakeIsNotAcknowledged) {
  Start();
  auto rank = Rank(JoinOf());
  ASSERT_TRUE(journal_->Close(absl::Now() + absl::Seconds(20)).ok());
  v1::EndRunRequest request;
  request.set_run_id("digits");
  grpc::ClientContext context;
  v1::EndRunResponse response;
  const grpc::Status status = runs_->EndRun(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("a crash may undo it"));
}

TEST_F(RunsServiceTest, TheEndOfARunAnswersTheRanksThatWaitForOthers) {
  Start();
  auto zero = Rank(JoinOf(0, 2));
  auto one = Rank(JoinOf(1, 2));
  zero->Report(0, HotLosses());
  // The answer tells that the report before it was taken.
  zero->Report(0, {9});
  EXPECT_EQ(zero->Next().refused().code(), v1::Refused::CODE_CONFLICT);
  v1::EndRunRequest request;
  request.set_run_id("digits");
  ASSERT_TRUE(supervisor_->EndRun(request).ok());
  const v1::SuperviseResponse answer = zero->Next();
  EXPECT_EQ(answer.refused().code(), v1::Refused::CODE_RUN_ENDED);
  EXPECT_EQ(answer.refused().step(), 0);
  one->Report(0, HotLosses());
  EXPECT_EQ(one->Next().refused().code(), v1::Refused::CODE_RUN_ENDED);
  EXPECT_EQ(History().size(), 0u);
}

// With a cooldown the decision waits for the disk, which takes it only when EndRun flushes.
TEST_F(RunsServiceTest, TheEndOfARunTakesBackWhatWaitsForTheDisk) {
  commit_interval_ = absl::Hours(1);
  Start();
  v1::Join join = JoinOf();
  join.mutable_settings()->mutable_guards()->set_cooldown_steps(5);
  TestRank joining(channel_, join);
  TestRank* rank = &joining;
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (!supervisor_->runs().Find("digits").ok() && absl::Now() < deadline) {
    std::this_thread::yield();
  }
  // The Welcome waits for the disk too.
  ASSERT_TRUE(journal_->Flush(deadline).ok());
  ASSERT_TRUE(rank->Next().has_welcome());
  rank->Report(0, HotLosses());
  while (DescribeRun().commands() == 0 && absl::Now() < deadline) {
    std::this_thread::yield();
  }
  v1::EndRunRequest request;
  request.set_run_id("digits");
  ASSERT_TRUE(supervisor_->EndRun(request).ok());
  EXPECT_EQ(rank->Next().refused().code(), v1::Refused::CODE_RUN_ENDED);
  rank->Leave();
  EXPECT_TRUE(rank->Finish().ok());
}

}  // namespace
}  // namespace lehr
