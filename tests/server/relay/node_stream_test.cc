// The supervisor's side of a sidecar's stream, spoken to directly: what a wrong sidecar could do.
#include "server/node_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/node_report.h"
#include "tests/server/relay/relay_fixture.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A sidecar's stream to the supervisor.
class Node {
 public:
  explicit Node(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::SupervisorService::NewStub(channel)) {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
    stream_ = stub_->Relay(&context_);
  }

  void Send(const v1::RelayRequest& request) { stream_->Write(request); }
  v1::RelayResponse Next() {
    v1::RelayResponse response;
    if (!stream_->Read(&response)) {
      response.Clear();
    }
    return response;
  }
  grpc::Status AwaitEnd() {
    while (Next().message_case() != v1::RelayResponse::MESSAGE_NOT_SET) {
    }
    return stream_->Finish();
  }
  void HalfClose() { stream_->WritesDone(); }

  // Of a rank's first seat.
  void Say(uint32_t rank, v1::MemberRequest message) {
    v1::RelayRequest request;
    *request.mutable_member() = std::move(message);
    request.mutable_member()->set_rank(rank);
    request.mutable_member()->set_seat(1);
    Send(request);
  }
  v1::MemberResponse Join(const v1::Join& join, uint64_t seat = 1) {
    v1::RelayRequest request;
    request.mutable_member()->set_rank(join.rank());
    request.mutable_member()->set_seat(seat);
    *request.mutable_member()->mutable_join() = join;
    Send(request);
    return Next().member();
  }
  void Report(const v1::NodeReport& report) {
    v1::RelayRequest request;
    *request.mutable_report() = report;
    Send(request);
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<v1::SupervisorService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::RelayRequest, v1::RelayResponse>> stream_;
};

v1::NodeReport ReportOf(int64_t step, std::vector<uint32_t> ranks, uint64_t digest = 1) {
  NodeStep report;
  report.sum.step = step;
  report.sum.losses.Add({3, 0});
  report.sum.top.Add({3, 0}, {});
  for (const uint32_t rank : ranks) {
    v1::MemberReport& member = report.members.emplace_back();
    member.set_rank(rank);
    member.set_digest(digest);
  }
  return ToPieces(report).front();
}

class NodeStreamTest : public RelayTest {
 protected:
  // Ranks 0 and 1 of two on one node.
  std::unique_ptr<Node> NodeOfTwo() {
    auto node = std::make_unique<Node>(channel_);
    EXPECT_TRUE(node->Join(JoinOf(0, 2)).has_welcome());
    EXPECT_TRUE(node->Join(JoinOf(1, 2)).has_welcome());
    return node;
  }
  void ExpectDecided(Node& node, int64_t step) {
    node.Report(ReportOf(step, {0, 1}));
    const v1::NodeDecision decision = node.Next().decision();
    EXPECT_EQ(decision.decision().step(), step);
    EXPECT_EQ(decision.decision().reports(), 2u);
    EXPECT_THAT(decision.ranks(), ElementsAre(0, 1));
  }
};

TEST_F(NodeStreamTest, AReportCountsForItsRanksAndIsAnsweredOnce) {
  Start();
  const auto node = NodeOfTwo();
  ExpectDecided(*node, 0);
  ExpectDecided(*node, 1);
  node->Report(ReportOf(1, {0, 1}));
  EXPECT_THAT(node->Next().decision().ranks(), ElementsAre(0, 1));
}

TEST_F(NodeStreamTest, ASumThatCannotBeIsRefusedForEachOfItsRanks) {
  Start();
  const auto node = NodeOfTwo();
  v1::NodeReport report = ReportOf(0, {0, 1});
  report.mutable_loss_statistics()->at(0) = 99;
  node->Report(report);
  for (uint32_t rank : {0, 1}) {
    const v1::MemberResponse told = node->Next().member();
    EXPECT_EQ(told.rank(), rank);
    EXPECT_EQ(told.refused().code(), v1::Refused::CODE_INVALID);
    EXPECT_THAT(told.refused().message(), HasSubstr("99"));
  }
  ExpectDecided(*node, 0);
}

TEST_F(NodeStreamTest, ARankThatHasNotJoinedOnTheStreamIsRefused) {
  Start();
  Node node(channel_);
  EXPECT_TRUE(node.Join(JoinOf(0, 2)).has_welcome());
  const auto one = Rank(JoinOf(1, 2));
  node.Report(ReportOf(0, {0, 1}));
  EXPECT_THAT(node.Next().member().refused().message(), HasSubstr("rank 1, which has not joined"));
  node.Report(ReportOf(0, {0}));
  one->Report(0, HotLosses());
  EXPECT_EQ(one->NextDecision().reports(), 2u);
}

// One of them is counted already, and the sum cannot be taken apart.
TEST_F(NodeStreamTest, ASumThatMixesCountedRanksWithOthersIsRefused) {
  Start();
  const auto node = NodeOfTwo();
  node->Report(ReportOf(0, {0}));
  node->Report(ReportOf(0, {0, 1}));
  for (int rank = 0; rank < 2; ++rank) {
    EXPECT_THAT(node->Next().member().refused().message(),
                HasSubstr("for 2 ranks, of which 1 have reported it before"));
  }
  node->Report(ReportOf(0, {1}));
  EXPECT_EQ(node->Next().decision().decision().observation().count(), 4u);
}

// It has reported the step on its new stream, where it waits for the decision.
TEST_F(NodeStreamTest, TheRefusalOfASumIsNotForARankThatHasMoved) {
  Start();
  const auto node = NodeOfTwo();
  const auto one = Rank(JoinOf(1, 2));
  EXPECT_EQ(node->Next().member().end().code(), static_cast<uint32_t>(grpc::StatusCode::ABORTED));
  one->Report(0, HotLosses());
  // Answered: the report before it is counted.
  v1::SuperviseRequest faulty;
  faulty.mutable_report()->add_example_ids(7);
  one->Send(faulty);
  EXPECT_TRUE(one->Next().has_refused());
  node->Report(ReportOf(0, {0, 1}));
  EXPECT_EQ(node->Next().member().rank(), 0u);
  node->Report(ReportOf(0, {0}));
  EXPECT_EQ(one->NextDecision().reports(), 2u);
}

TEST_F(NodeStreamTest, AReportSentAgainWithOtherLossesConflicts) {
  Start();
  const auto node = NodeOfTwo();
  node->Report(ReportOf(0, {0}));
  node->Report(ReportOf(0, {0}, /*digest=*/2));
  EXPECT_EQ(node->Next().member().refused().code(), v1::Refused::CODE_CONFLICT);
}

TEST_F(NodeStreamTest, AReportOfNobodyEndsTheStream) {
  Start();
  const auto node = NodeOfTwo();
  node->Report(ReportOf(0, {}));
  const grpc::Status status = node->AwaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("number of members is 0"));
}

TEST_F(NodeStreamTest, AMessageOfNoKindEndsTheStream) {
  Start();
  const auto node = NodeOfTwo();
  node->Send({});
  EXPECT_EQ(node->AwaitEnd().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(NodeStreamTest, AFaultyMessageOfARankEndsThatRankOnly) {
  Start();
  const auto node = NodeOfTwo();
  v1::MemberRequest pause;
  pause.mutable_pause()->mutable_at_most()->set_seconds(-3);
  v1::MemberRequest leave;
  leave.mutable_leave()->mutable_outcome()->set_step(-7);
  const std::pair<v1::MemberRequest, std::string> faults[] = {
      {pause, "at_most is -3s"}, {leave, "step is -7"}, {{}, "none of the kinds"}};
  for (const auto& [message, why] : faults) {
    node->Say(1, message);
    const v1::MemberResponse told = node->Next().member();
    EXPECT_EQ(told.rank(), 1u);
    EXPECT_EQ(told.end().code(), static_cast<uint32_t>(grpc::StatusCode::INVALID_ARGUMENT));
    EXPECT_THAT(told.end().message(), HasSubstr(why));
    AwaitConnected(1);
    EXPECT_TRUE(node->Join(JoinOf(1, 2)).has_welcome());
  }
  ExpectDecided(*node, 0);
}

TEST_F(NodeStreamTest, OneStreamIsForOneJob) {
  Start();
  const auto node = NodeOfTwo();
  v1::Join other = JoinOf(0, 2);
  other.set_run_id("other");
  EXPECT_THAT(node->Join(other).end().message(), HasSubstr("run_id is \"other\""));
  EXPECT_THAT(node->Join(JoinOf(0, 2, "attempt-2")).end().message(),
              HasSubstr("job_attempt is \"attempt-2\""));
  ExpectDecided(*node, 0);
}

TEST_F(NodeStreamTest, ARankTooManyIsRefusedAndTheOthersLive) {
  Start(/*max_streams=*/3);
  const auto node = NodeOfTwo();
  v1::Join other = JoinOf(0, 1);
  other.set_run_id("other");
  EXPECT_EQ(TestRank(channel_, other).AwaitEnd().error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  ExpectDecided(*node, 0);
}

TEST_F(NodeStreamTest, TheEndOfTheStreamIsTheEndOfItsRanks) {
  Start();
  const auto node = NodeOfTwo();
  EXPECT_EQ(DescribeRun().connected(), 2u);
  node->HalfClose();
  EXPECT_EQ(node->AwaitEnd().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  AwaitConnected(0);
  // A process of another name can take them now.
  v1::Join other = JoinOf(0, 2);
  other.set_process("another");
  TestRank rank(channel_, other);
  EXPECT_TRUE(rank.AwaitWelcome());
}

}  // namespace
}  // namespace lehr
