#include "server/rank_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "server/supervised_ranks.h"
#include "tests/server/run_table_fixture.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

class RankStreamTest : public RunTableTest {
 protected:
  bool Join() {
    v1::SuperviseRequest request;
    *request.mutable_join() = JoinOf();
    const bool taken = stream_.Take(request, kStart);
    Settle();
    return taken;
  }
  // Joined, with the Welcome read.
  void Joined() {
    ASSERT_TRUE(Join());
    const auto welcome = Next(*outbox_);
    ASSERT_TRUE(welcome && welcome->has_welcome());
  }

  static v1::SuperviseRequest Report(int64_t step, std::initializer_list<float> losses) {
    v1::SuperviseRequest request;
    request.mutable_report()->set_step(step);
    request.mutable_report()->mutable_losses()->Add(losses.begin(), losses.end());
    return request;
  }

  // The stream has ended with INVALID_ARGUMENT, for this reason.
  void ExpectFault(const std::string& why) {
    const auto end = End(*outbox_);
    ASSERT_TRUE(end);
    EXPECT_EQ(end->code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(end->message()), HasSubstr(why));
  }

  std::shared_ptr<RankOutbox> outbox_ = NewOutbox();
  SupervisedRanks ranks_{*table_, metrics_};
  RankStream stream_{ranks_, outbox_};
};

TEST_F(RankStreamTest, AReportIsAnsweredByADecision) {
  Joined();
  EXPECT_TRUE(stream_.Take(Report(0, {3, 0}), kStart));
  Settle();
  const auto answer = Next(*outbox_);
  ASSERT_TRUE(answer && answer->has_decision());
  EXPECT_EQ(answer->decision().step(), 0);
  EXPECT_DOUBLE_EQ(answer->decision().observation().temperature(), 3);
}

TEST_F(RankStreamTest, TheFirstMessageMustBeJoin) {
  EXPECT_FALSE(stream_.Take(Report(0, {1}), kStart));
  ExpectFault("the first message of a stream must be Join");
}

TEST_F(RankStreamTest, ASecondJoinEndsTheStream) {
  Joined();
  EXPECT_FALSE(Join());
  ExpectFault("Join comes once a stream");
}

TEST_F(RankStreamTest, ARefusedJoinEndsTheStream) {
  v1::SuperviseRequest request;
  *request.mutable_join() = JoinOf();
  request.mutable_join()->set_rank(1);
  EXPECT_FALSE(stream_.Take(request, kStart));
  ExpectFault("rank is 1");
}

TEST_F(RankStreamTest, AMessageOfNoKnownKindEndsTheStream) {
  Joined();
  EXPECT_FALSE(stream_.Take(v1::SuperviseRequest(), kStart));
  ExpectFault("none of the kinds that are known");
}

TEST_F(RankStreamTest, AReportOutOfBoundsIsRefusedAndTheStreamGoesOn) {
  Joined();
  v1::SuperviseRequest bad = Report(0, {1, 2});
  bad.mutable_report()->add_example_ids(7);
  EXPECT_TRUE(stream_.Take(bad, kStart));
  const auto refused = Next(*outbox_);
  ASSERT_TRUE(refused && refused->has_refused());
  EXPECT_EQ(refused->refused().step(), 0);
  EXPECT_EQ(refused->refused().code(), v1::Refused::CODE_INVALID);
  EXPECT_TRUE(stream_.Take(Report(0, {3, 0}), kStart));
  Settle();
  const auto answer = Next(*outbox_);
  ASSERT_TRUE(answer && answer->has_decision());
}

TEST_F(RankStreamTest, APauseOutOfBoundsEndsTheStream) {
  Joined();
  v1::SuperviseRequest request;
  request.mutable_pause()->mutable_at_most()->set_seconds(-1);
  EXPECT_FALSE(stream_.Take(request, kStart));
  ExpectFault("at_most");
}

TEST_F(RankStreamTest, HalfClosedAfterALeaveItEndsWell) {
  Joined();
  v1::SuperviseRequest leave;
  leave.mutable_leave()->set_completed(true);
  EXPECT_TRUE(stream_.Take(leave, kStart));
  stream_.ReadingEnded();
  EXPECT_EQ(End(*outbox_), absl::OkStatus());
  EXPECT_TRUE((*table_->Find("digits"))->IsOver());
}

TEST_F(RankStreamTest, HalfClosedWithoutALeaveItDoesNot) {
  Joined();
  stream_.ReadingEnded();
  ExpectFault("without a Leave");
}

TEST_F(RankStreamTest, OnceEndedItsRankIsNotConnected) {
  Joined();
  EXPECT_EQ((*table_->Find("digits"))->Describe().connected(), 1u);
  stream_.Ended(kStart);
  EXPECT_EQ((*table_->Find("digits"))->Describe().connected(), 0u);
}

}  // namespace
}  // namespace lehr
