#include "client/correspondence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Time kStart = absl::FromUnixSeconds(1'780'000'000);

v1::Join JoinOf() {
  v1::Join join;
  join.set_run_id("digits");
  join.set_world_size(1);
  join.set_job_attempt("attempt");
  join.set_process("process");
  return join;
}

class CorrespondenceTest : public ::testing::Test {
 protected:
  // Everything that is to be written now.
  std::vector<v1::SuperviseRequest> Written() {
    std::vector<v1::SuperviseRequest> written;
    while (!letters_.outgoing().empty()) {
      written.push_back(letters_.outgoing().Take());
    }
    return written;
  }

  void Welcome(uint64_t generation = 1, uint64_t epoch = 1, absl::Time now = kStart) {
    v1::SuperviseResponse response;
    response.mutable_welcome()->set_generation(generation);
    response.mutable_welcome()->set_epoch(epoch);
    response.mutable_welcome()->set_durable_through(-1);
    letters_.Take(response, now);
  }
  // A new stream, with its Join written and the Welcome taken.
  void Joined() {
    letters_.Begin();
    Written();
    Welcome();
  }

  v1::SuperviseResponse DecisionAbout(int64_t step, uint64_t epoch = 1) {
    v1::SuperviseResponse response;
    v1::Decision* decision = response.mutable_decision();
    decision->set_generation(1);
    decision->set_step(step);
    decision->set_apply_step(step + 1);
    decision->set_epoch(epoch);
    decision->set_durable_through(-1);
    return response;
  }

  void Report(int64_t step, absl::Time now = kStart) {
    letters_.Report({.step = step, .losses = {1, 2}}, now);
  }

  // The lines since the last call.
  std::vector<std::string> Told() {
    log_.Tell();
    return std::exchange(lines_, {});
  }

  std::vector<std::string> lines_;
  EventLog log_{[this](std::string_view line) { lines_.emplace_back(line); }};
  Correspondence letters_{{.supervisor = "host:7070",
                           .join = JoinOf(),
                           .connect_timeout = absl::Seconds(5),
                           .decision_timeout = absl::Seconds(3)},
                          log_};
};

TEST_F(CorrespondenceTest, AStreamBeginsWithTheJoin) {
  letters_.Begin();
  const auto written = Written();
  ASSERT_EQ(written.size(), 1u);
  EXPECT_EQ(written[0].join().run_id(), "digits");
  EXPECT_FALSE(written[0].join().has_highest_step());
}

TEST_F(CorrespondenceTest, AWelcomeIsToldOnce) {
  Joined();
  EXPECT_THAT(Told(), ElementsAre(HasSubstr("joined run digits at host:7070 as rank 0 of 1")));
}

TEST_F(CorrespondenceTest, AReportWaitsForItsDecision) {
  Joined();
  Report(0);
  const auto written = Written();
  ASSERT_EQ(written.size(), 1u);
  EXPECT_THAT(written[0].report().losses(), ElementsAre(1, 2));
  EXPECT_TRUE(letters_.Waiting(kStart));
  auto decision = DecisionAbout(0);
  letters_.Take(decision, kStart);
  EXPECT_FALSE(letters_.Waiting(kStart));
  EXPECT_EQ(letters_.TakeNewestDecision()->step(), 0);
  EXPECT_FALSE(letters_.TakeNewestDecision());
}

// What was reported while no stream was there is sent once there is one.
TEST_F(CorrespondenceTest, AReportBeforeTheWelcomeFollowsOnIt) {
  Report(0);
  EXPECT_THAT(Written(), IsEmpty());
  letters_.Begin();
  EXPECT_EQ(Written().size(), 1u);
  Welcome();
  const auto written = Written();
  ASSERT_EQ(written.size(), 1u);
  EXPECT_EQ(written[0].report().step(), 0);
}

// Nothing that the last stream did not write goes out before the next one's Join.
TEST_F(CorrespondenceTest, ANewStreamBeginsWithItsJoinWhateverWasWaiting) {
  Joined();
  Report(0);
  letters_.End(absl::UnavailableError("gone"));
  EXPECT_TRUE(letters_.outgoing().empty());
  letters_.Begin();
  const auto written = Written();
  ASSERT_EQ(written.size(), 1u);
  EXPECT_EQ(written[0].join().generation(), 1u);
  EXPECT_EQ(written[0].join().highest_step(), 0);
}

TEST_F(CorrespondenceTest, AJoinBringsBackWhatTheSupervisorMayHaveLost) {
  Joined();
  Report(0);
  auto decision = DecisionAbout(0);
  const std::string record = decision.decision().SerializeAsString();
  letters_.Take(decision, kStart);
  letters_.End(absl::UnavailableError("gone"));
  letters_.Begin();
  const auto written = Written();
  ASSERT_EQ(written[0].join().held_size(), 1);
  EXPECT_EQ(written[0].join().held(0).SerializeAsString(), record);
}

TEST_F(CorrespondenceTest, ADecisionOfAnOlderEpochIsNotTaken) {
  letters_.Begin();
  Welcome(/*generation=*/1, /*epoch=*/2);
  Told();
  Report(0);
  auto decision = DecisionAbout(0, /*epoch=*/1);
  letters_.Take(decision, kStart);
  EXPECT_TRUE(letters_.Waiting(kStart));
  EXPECT_FALSE(letters_.TakeNewestDecision());
  EXPECT_THAT(Told(), ElementsAre(HasSubstr("step 0 of generation 1, epoch 1, is out of date")));
}

TEST_F(CorrespondenceTest, AWaitInVainCancelsTheStreamAndIsTold) {
  Joined();
  Told();
  Report(0);
  const absl::Time late = letters_.wait_deadline();
  EXPECT_EQ(late, kStart + absl::Seconds(3));
  EXPECT_FALSE(letters_.Waiting(late));
  EXPECT_FALSE(letters_.unwanted());
  letters_.GiveUp(late);
  EXPECT_TRUE(letters_.unwanted());
  EXPECT_THAT(Told(), ElementsAre(HasSubstr("did not decide about step 0 within 3s")));
  letters_.End(absl::CancelledError("cancelled"));
  EXPECT_FALSE(letters_.unwanted());
  EXPECT_FALSE(letters_.over());
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(CorrespondenceTest, ARefusedReportIsNotWaitedFor) {
  Joined();
  Told();
  Report(0);
  v1::SuperviseResponse response;
  response.mutable_refused()->set_step(0);
  response.mutable_refused()->set_code(v1::Refused::CODE_INVALID);
  response.mutable_refused()->set_message("too many losses");
  letters_.Take(response, kStart);
  EXPECT_FALSE(letters_.Waiting(kStart));
  EXPECT_FALSE(letters_.over());
  EXPECT_THAT(Told(), ElementsAre(HasSubstr("too many losses")));
}

TEST_F(CorrespondenceTest, AnEndedRunIsNotJoinedAgain) {
  Joined();
  Report(0);
  v1::SuperviseResponse response;
  response.mutable_refused()->set_step(0);
  response.mutable_refused()->set_code(v1::Refused::CODE_RUN_ENDED);
  letters_.Take(response, kStart);
  EXPECT_TRUE(letters_.over());
  EXPECT_TRUE(letters_.unwanted());
}

TEST_F(CorrespondenceTest, AJoinThatIsWrongIsNotTriedAgain) {
  letters_.Begin();
  letters_.End(absl::FailedPreconditionError("world_size is 1; it must be 2"));
  EXPECT_TRUE(letters_.over());
  EXPECT_THAT(Told(), ElementsAre(HasSubstr("world_size is 1; it must be 2")));
}

TEST_F(CorrespondenceTest, AnythingElseIsTriedAgainAndToldOnce) {
  for (int i = 0; i < 3; ++i) {
    letters_.Begin();
    letters_.End(absl::UnavailableError("connection refused"));
    EXPECT_FALSE(letters_.over());
  }
  EXPECT_THAT(Told(), ElementsAre(HasSubstr("no supervisor at host:7070: connection refused")));
}

TEST_F(CorrespondenceTest, AMessageOfANewerSupervisorIsPassedOver) {
  Joined();
  v1::SuperviseResponse response;
  letters_.Take(response, kStart);
  EXPECT_FALSE(letters_.unwanted());
}

TEST_F(CorrespondenceTest, AfterALeaveNothingFollows) {
  Joined();
  Written();
  EXPECT_TRUE(letters_.Leave(/*completed=*/true));
  EXPECT_TRUE(letters_.leaves());
  Report(0);
  letters_.Checkpointed(0, kStart);
  const auto written = Written();
  ASSERT_EQ(written.size(), 1u);
  EXPECT_TRUE(written[0].leave().completed());
  EXPECT_TRUE(letters_.over());
}

TEST_F(CorrespondenceTest, WithoutASupervisorThereIsNobodyToLeave) {
  EXPECT_FALSE(letters_.Leave(/*completed=*/true));
  EXPECT_TRUE(letters_.over());
}

// A pause that was declared while nobody listened counts from then on, not from the Welcome.
TEST_F(CorrespondenceTest, APauseIsDeclaredWithWhatIsLeftOfIt) {
  letters_.Pause({.reason = "evaluation", .until = kStart + absl::Seconds(60)}, kStart);
  letters_.Begin();
  Written();
  Welcome(1, 1, kStart + absl::Seconds(20));
  const auto written = Written();
  ASSERT_EQ(written.size(), 1u);
  EXPECT_EQ(written[0].pause().reason(), "evaluation");
  EXPECT_EQ(written[0].pause().at_most().seconds(), 40);
}

// The supervisor must have decided about the step before it can keep its state for it.
TEST_F(CorrespondenceTest, ACheckpointIsTold) {
  Joined();
  Report(0);
  auto decision = DecisionAbout(0);
  letters_.Take(decision, kStart);
  Written();
  letters_.Checkpointed(0, kStart);
  const auto written = Written();
  ASSERT_EQ(written.size(), 1u);
  EXPECT_EQ(written[0].checkpointed().step(), 0);
}

}  // namespace
}  // namespace lehr
