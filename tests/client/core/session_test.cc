#include "client/core/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using State = Session::State;
using Arrival = Session::Arrival;

constexpr absl::Duration kConnectTimeout = absl::Seconds(2);
constexpr absl::Duration kDecisionTimeout = absl::Seconds(5);
const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

Session MakeSession(int64_t lag = 0, int64_t resume_step = 0) {
  return Session({.resume_step = resume_step,
                  .lag = lag,
                  .connect_timeout = kConnectTimeout,
                  .decision_timeout = kDecisionTimeout});
}

void Join(Session& session, WelcomeFacts welcome = {.generation = 1, .epoch = 1},
          absl::Time now = kStart) {
  session.BeginJoin();
  ASSERT_TRUE(session.Welcomed(welcome, now).ok());
}

HeldDecision NoCommand(int64_t step) {
  return {.generation = 1,
          .step = step,
          .apply_step = step + 1,
          .epoch = 1,
          .record = "record of " + std::to_string(step)};
}

HeldDecision Command(int64_t step, int64_t lag = 0) {
  HeldDecision decision = NoCommand(step);
  decision.apply_step = step + 1 + lag;
  decision.actions.push_back(Perturbation{.id = static_cast<uint64_t>(step) + 1, .stddev = 0.5f});
  return decision;
}

std::vector<int64_t> Steps(const std::vector<std::shared_ptr<const RankReport>>& reports) {
  std::vector<int64_t> steps;
  for (const auto& report : reports) {
    steps.push_back(report->step);
  }
  return steps;
}

// ---- States.

TEST(Session, BecomesJoinedByAJoinAndItsWelcome) {
  Session session = MakeSession();
  EXPECT_EQ(session.state(), State::kDisconnected);
  session.BeginJoin();
  EXPECT_EQ(session.state(), State::kJoining);
  EXPECT_TRUE(session.Welcomed({.generation = 4, .epoch = 1}, kStart).ok());
  EXPECT_EQ(session.state(), State::kJoined);
  EXPECT_EQ(session.generation(), 4);
}

TEST(Session, IsDisconnectedWhenTheStreamEnds) {
  Session session = MakeSession();
  Join(session);
  session.EndStream(Session::StreamEnd::kRetry);
  EXPECT_EQ(session.state(), State::kDisconnected);
}

TEST(Session, IsDisconnectedWhenTheStreamEndsBeforeTheWelcome) {
  Session session = MakeSession();
  session.BeginJoin();
  session.EndStream(Session::StreamEnd::kRetry);
  EXPECT_EQ(session.state(), State::kDisconnected);
}

TEST(Session, IsClosedForGoodByAFatalEnd) {
  Session session = MakeSession();
  Join(session);
  session.EndStream(Session::StreamEnd::kFatal);
  EXPECT_EQ(session.state(), State::kClosed);
  session.EndStream(Session::StreamEnd::kRetry);
  EXPECT_EQ(session.state(), State::kClosed);
}

// A Welcome may be under way when the trainer closes.
TEST(Session, AWelcomeDoesNotOpenAClosedSession) {
  Session session = MakeSession();
  session.BeginJoin();
  session.Close();
  EXPECT_EQ(session.Welcomed({.generation = 1, .epoch = 1}, kStart).code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(session.state(), State::kClosed);
}

// ---- What Join says.

TEST(Session, FirstJoinKnowsNothing) {
  Session session = MakeSession(/*lag=*/0, /*resume_step=*/40);
  const JoinFacts facts = session.BeginJoin();
  EXPECT_EQ(facts.generation, 0);
  EXPECT_EQ(facts.highest_epoch, 0);
  EXPECT_EQ(facts.highest_step, -1);
  EXPECT_EQ(facts.resume_step, 40);
  EXPECT_THAT(facts.held, IsEmpty());
}

// The supervisor came up late: it must not wait for steps that nobody will report.
TEST(Session, FirstJoinResumesAtTheStepThatTheTrainerReached) {
  Session session = MakeSession();
  for (int64_t step = 0; step <= 700; ++step) {
    session.Report({.step = step}, kStart);
  }
  EXPECT_EQ(session.BeginJoin().resume_step, 700);
}

TEST(Session, RejoinSaysGenerationEpochAndHighestStep) {
  Session session = MakeSession();
  Join(session, {.generation = 3, .epoch = 8});
  session.Report({.step = 0}, kStart);
  session.EndStream(Session::StreamEnd::kRetry);
  // Reported to nobody.
  session.Report({.step = 1}, kStart);
  const JoinFacts facts = session.BeginJoin();
  EXPECT_EQ(facts.generation, 3);
  EXPECT_EQ(facts.highest_epoch, 8);
  EXPECT_EQ(facts.highest_step, 0);
  EXPECT_EQ(facts.resume_step, 0);
}

TEST(Session, RejoinBringsTheDecisionsThatTheSupervisorMayHaveLost) {
  Session session = MakeSession();
  Join(session);
  for (int64_t step = 0; step < 5; ++step) {
    session.Report({.step = step}, kStart);
    HeldDecision decision = NoCommand(step);
    decision.durable_through = step - 3;
    session.TakeDecision(decision);
  }
  EXPECT_THAT(session.BeginJoin().held, ElementsAre("record of 2", "record of 3", "record of 4"));
}

TEST(Session, WelcomeSaysWhatNeedNotBeHeldAnyMore) {
  Session session = MakeSession();
  Join(session);
  for (int64_t step = 0; step < 5; ++step) {
    session.TakeDecision(NoCommand(step));
  }
  Join(session, {.generation = 1, .epoch = 1, .durable_through = 3});
  EXPECT_THAT(session.BeginJoin().held, ElementsAre("record of 4"));
}

TEST(Session, HoldsTheNewestDecisionsUpToItsBound) {
  Session session = MakeSession();
  Join(session);
  const int64_t count = static_cast<int64_t>(kMaxHeldDecisions) + 10;
  for (int64_t step = 0; step < count; ++step) {
    session.TakeDecision(NoCommand(step));
  }
  const std::vector<std::string> held = session.BeginJoin().held;
  ASSERT_EQ(held.size(), kMaxHeldDecisions);
  EXPECT_EQ(held.front(), "record of 10");
  EXPECT_EQ(held.back(), "record of " + std::to_string(count - 1));
}

TEST(Session, AnotherGenerationStartsWithNothingHeld) {
  Session session = MakeSession();
  Join(session);
  session.Report({.step = 0}, kStart);
  session.TakeDecision(Command(0));
  Join(session, {.generation = 2, .epoch = 1});
  const JoinFacts facts = session.BeginJoin();
  EXPECT_EQ(facts.generation, 2);
  EXPECT_EQ(facts.highest_step, -1);
  EXPECT_THAT(facts.held, IsEmpty());
  EXPECT_EQ(session.TakeCommand(1), std::nullopt);
}

// ---- Reports.

TEST(Session, AReportIsSentAtOnceWhileJoined) {
  Session session = MakeSession();
  Join(session);
  const auto report = session.Report({.step = 0, .losses = {1, 2}, .example_ids = {7, 8}}, kStart);
  ASSERT_NE(report, nullptr);
  EXPECT_EQ(report->step, 0);
  EXPECT_THAT(report->losses, ElementsAre(1, 2));
  EXPECT_THAT(report->example_ids, ElementsAre(7, 8));
}

TEST(Session, AReportIsNotSentBeforeTheWelcome) {
  Session session = MakeSession();
  session.BeginJoin();
  EXPECT_EQ(session.Report({.step = 0}, kStart), nullptr);
}

TEST(Session, TheUnansweredReportIsSentAgainUnchanged) {
  Session session = MakeSession();
  Join(session);
  const auto first = session.Report({.step = 0, .losses = {3}}, kStart);
  session.EndStream(Session::StreamEnd::kRetry);
  Join(session);
  EXPECT_THAT(session.Unanswered(), ElementsAre(first));
}

TEST(Session, AnAnsweredReportIsNotSentAgain) {
  Session session = MakeSession();
  Join(session);
  session.Report({.step = 0}, kStart);
  session.TakeDecision(NoCommand(0));
  EXPECT_THAT(session.Unanswered(), IsEmpty());
}

TEST(Session, ARefusedReportIsNotSentAgain) {
  Session session = MakeSession();
  Join(session);
  session.Report({.step = 0}, kStart);
  session.TakeRefusal(0);
  EXPECT_THAT(session.Unanswered(), IsEmpty());
}

// Of older steps no decision can be in time; their losses would only take memory.
TEST(Session, OnlyReportsWhoseDecisionCanBeInTimeAreSentAgain) {
  Session session = MakeSession(/*lag=*/2);
  for (int64_t step = 0; step < 10; ++step) {
    session.Report({.step = step}, kStart);
  }
  Join(session, {.generation = 1, .epoch = 1, .lag = 2});
  EXPECT_THAT(Steps(session.Unanswered()), ElementsAre(7, 8, 9));
}

// ---- Waits.

TEST(Session, AStepWaitsForItsDecision) {
  Session session = MakeSession();
  Join(session);
  session.Report({.step = 0}, kStart);
  EXPECT_TRUE(session.Waiting(kStart));
  EXPECT_EQ(session.wait_deadline(), kStart + kDecisionTimeout);
  session.TakeDecision(NoCommand(0));
  EXPECT_FALSE(session.Waiting(kStart));
}

TEST(Session, ARefusalEndsTheWait) {
  Session session = MakeSession();
  Join(session);
  session.Report({.step = 0}, kStart);
  session.TakeRefusal(0);
  EXPECT_FALSE(session.Waiting(kStart));
}

TEST(Session, AClosedSessionDoesNotWait) {
  Session session = MakeSession();
  Join(session);
  session.Report({.step = 0}, kStart);
  session.EndStream(Session::StreamEnd::kFatal);
  EXPECT_FALSE(session.Waiting(kStart));
}

TEST(Session, TheWaitEndsAtItsDeadline) {
  Session session = MakeSession();
  Join(session);
  session.Report({.step = 0}, kStart);
  EXPECT_TRUE(session.Waiting(kStart + kDecisionTimeout - absl::Nanoseconds(1)));
  EXPECT_FALSE(session.Waiting(kStart + kDecisionTimeout));
}

TEST(Session, AfterOneTimeOutNoStepWaitsUntilReconnected) {
  Session session = MakeSession();
  Join(session);
  session.Report({.step = 0}, kStart);
  absl::Time now = kStart + kDecisionTimeout;
  EXPECT_TRUE(session.GiveUp(now));
  EXPECT_EQ(session.state(), State::kDisconnected);
  for (int64_t step = 1; step < 20; ++step) {
    session.Report({.step = step}, now);
    EXPECT_FALSE(session.Waiting(now)) << step;
    EXPECT_FALSE(session.GiveUp(now)) << step;
  }
  Join(session);
  session.Report({.step = 20}, now);
  EXPECT_TRUE(session.Waiting(now));
}

TEST(Session, AStepThatIsAnsweredInTimeDoesNotGiveUp) {
  Session session = MakeSession();
  Join(session);
  session.Report({.step = 0}, kStart);
  session.TakeDecision(NoCommand(0));
  EXPECT_FALSE(session.GiveUp(kStart + absl::Seconds(1)));
  EXPECT_TRUE(session.joined());
  session.Report({.step = 1}, kStart);
  EXPECT_TRUE(session.Waiting(kStart));
}

TEST(Session, TheFirstStepWaitsForTheConnection) {
  Session session = MakeSession();
  session.Report({.step = 0}, kStart);
  EXPECT_TRUE(session.Waiting(kStart));
  EXPECT_EQ(session.wait_deadline(), kStart + kConnectTimeout);
  // There is no stream to drop: it is still being made.
  EXPECT_FALSE(session.GiveUp(kStart + kConnectTimeout));
  session.Report({.step = 1}, kStart);
  EXPECT_FALSE(session.Waiting(kStart));
}

TEST(Session, TheFirstStepWaitsForItsDecisionOnceItIsConnected) {
  Session session = MakeSession();
  session.Report({.step = 0}, kStart);
  const absl::Time joined = kStart + absl::Seconds(1);
  Join(session, {.generation = 1, .epoch = 1}, joined);
  EXPECT_EQ(session.wait_deadline(), joined + kDecisionTimeout);
}

// A supervisor that flaps must not prolong a step again and again.
TEST(Session, AReconnectDoesNotProlongTheWait) {
  Session session = MakeSession();
  Join(session);
  session.Report({.step = 0}, kStart);
  session.EndStream(Session::StreamEnd::kRetry);
  EXPECT_TRUE(session.Waiting(kStart + absl::Seconds(3)));
  Join(session, {.generation = 1, .epoch = 2}, kStart + absl::Seconds(4));
  EXPECT_EQ(session.wait_deadline(), kStart + kDecisionTimeout);
}

// With lag 1 the decision about step 3 is for step 5, so step 4 needs it and not its own.
TEST(Session, WithALagAStepWaitsForAnEarlierDecision) {
  Session session = MakeSession(/*lag=*/1);
  Join(session, {.generation = 1, .epoch = 1, .lag = 1});
  session.Report({.step = 3}, kStart);
  EXPECT_FALSE(session.Waiting(kStart));
  session.Report({.step = 4}, kStart);
  EXPECT_TRUE(session.Waiting(kStart));
  session.TakeDecision(Command(3, /*lag=*/1));
  EXPECT_FALSE(session.Waiting(kStart));
}

TEST(Session, TheLagIsTheOneThatTheOpenerSet) {
  Session session = MakeSession(/*lag=*/0);
  Join(session, {.generation = 1, .epoch = 1, .lag = 5});
  session.Report({.step = 0}, kStart);
  EXPECT_FALSE(session.Waiting(kStart));
}

// ---- Decisions and commands.

TEST(Session, ACommandIsHandedOutOnceAtItsApplyStep) {
  Session session = MakeSession();
  Join(session);
  session.Report({.step = 0}, kStart);
  EXPECT_EQ(session.TakeDecision(Command(0)), Arrival::kTaken);
  const std::optional<HeldDecision> command = session.TakeCommand(1);
  ASSERT_TRUE(command.has_value());
  EXPECT_EQ(command->step, 0);
  EXPECT_EQ(std::get<Perturbation>(command->actions.at(0)).id, 1);
  EXPECT_EQ(session.TakeCommand(1), std::nullopt);
}

// The answer to a report that was sent again.
TEST(Session, ACommandThatComesAgainIsNotHandedOutAgain) {
  Session session = MakeSession();
  Join(session);
  session.Report({.step = 0}, kStart);
  session.TakeDecision(Command(0));
  ASSERT_TRUE(session.TakeCommand(1).has_value());
  EXPECT_EQ(session.TakeDecision(Command(0)), Arrival::kTaken);
  EXPECT_EQ(session.TakeCommand(1), std::nullopt);
  EXPECT_EQ(session.Report({.step = 1}, kStart)->outcome, std::nullopt);
}

TEST(Session, ADecisionWithoutActionsIsNoCommand) {
  Session session = MakeSession();
  Join(session);
  session.Report({.step = 0}, kStart);
  session.TakeDecision(NoCommand(0));
  EXPECT_EQ(session.TakeCommand(1), std::nullopt);
}

TEST(Session, WithALagACommandWaitsForItsApplyStep) {
  Session session = MakeSession(/*lag=*/1);
  Join(session, {.generation = 1, .epoch = 1, .lag = 1});
  session.Report({.step = 0}, kStart);
  session.TakeDecision(Command(0, /*lag=*/1));
  EXPECT_EQ(session.TakeCommand(1), std::nullopt);
  EXPECT_TRUE(session.TakeCommand(2).has_value());
}

TEST(Session, ALateCommandHasExpired) {
  Session session = MakeSession();
  Join(session);
  session.Report({.step = 0}, kStart);
  EXPECT_EQ(session.TakeCommand(1), std::nullopt);
  session.TakeDecision(Command(0));
  EXPECT_EQ(session.TakeCommand(2), std::nullopt);
  const auto report = session.Report({.step = 2}, kStart);
  ASSERT_TRUE(report->outcome.has_value());
  EXPECT_EQ(report->outcome->step, 0);
  EXPECT_EQ(report->outcome->result, CommandOutcome::Result::kExpired);
}

// The trainer skipped the step that the command was for.
TEST(Session, ACommandThatWasPassedOverHasExpired) {
  Session session = MakeSession();
  Join(session);
  session.Report({.step = 0}, kStart);
  session.TakeDecision(Command(0));
  EXPECT_EQ(session.TakeCommand(5), std::nullopt);
  const auto report = session.Report({.step = 5}, kStart);
  ASSERT_TRUE(report->outcome.has_value());
  EXPECT_EQ(report->outcome->result, CommandOutcome::Result::kExpired);
}

TEST(Session, NothingIsTakenFromALowerEpoch) {
  Session session = MakeSession();
  Join(session, {.generation = 1, .epoch = 7});
  session.Report({.step = 0}, kStart);
  HeldDecision stale = Command(0);
  stale.epoch = 6;
  EXPECT_EQ(session.TakeDecision(stale), Arrival::kStaleEpoch);
  EXPECT_EQ(session.TakeCommand(1), std::nullopt);
  EXPECT_TRUE(session.Waiting(kStart));
  EXPECT_THAT(session.BeginJoin().held, IsEmpty());
}

TEST(Session, ASupervisorWithALowerEpochIsNotJoined) {
  Session session = MakeSession();
  Join(session, {.generation = 1, .epoch = 7});
  session.EndStream(Session::StreamEnd::kRetry);
  session.BeginJoin();
  const absl::Status status = session.Welcomed({.generation = 1, .epoch = 6}, kStart);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("6"));
  EXPECT_FALSE(session.joined());
}

TEST(Session, ADecisionOfAnotherGenerationIsNotTaken) {
  Session session = MakeSession();
  Join(session, {.generation = 2, .epoch = 1});
  session.Report({.step = 0}, kStart);
  EXPECT_EQ(session.TakeDecision(Command(0)), Arrival::kOtherGeneration);
  EXPECT_EQ(session.TakeCommand(1), std::nullopt);
}

TEST(Session, ADecisionForAStepThatItCannotBeForIsNotTaken) {
  Session session = MakeSession();
  Join(session);
  HeldDecision decision = Command(3);
  decision.apply_step = 3;
  EXPECT_EQ(session.TakeDecision(decision), Arrival::kMalformed);
  decision.apply_step = 3 + 1 + kMaxLag + 1;
  EXPECT_EQ(session.TakeDecision(decision), Arrival::kMalformed);
  decision.apply_step = 3 + 1 + kMaxLag;
  EXPECT_EQ(session.TakeDecision(decision), Arrival::kTaken);
}

// ---- What rides on the next report.

TEST(Session, TheOutcomeAndTheDigestRideOnTheNextReportOnly) {
  Session session = MakeSession();
  Join(session);
  session.SetOutcome({.step = 4, .result = CommandOutcome::Result::kApplied, .perturbed = 9});
  session.SetParameterDigest(77);
  const auto next = session.Report({.step = 5}, kStart);
  ASSERT_TRUE(next->outcome.has_value());
  EXPECT_EQ(next->outcome->step, 4);
  EXPECT_EQ(next->outcome->result, CommandOutcome::Result::kApplied);
  EXPECT_EQ(next->outcome->perturbed, 9);
  EXPECT_EQ(next->parameter_digest, 77);
  session.TakeDecision(NoCommand(5));
  const auto after = session.Report({.step = 6}, kStart);
  EXPECT_EQ(after->outcome, std::nullopt);
  EXPECT_EQ(after->parameter_digest, std::nullopt);
}

// The report that carried it was never answered and is too old to be sent again.
TEST(Session, AnOutcomeIsNotLostWithItsReport) {
  Session session = MakeSession();
  session.SetOutcome({.step = 4, .result = CommandOutcome::Result::kApplied});
  session.Report({.step = 5}, kStart);
  session.Report({.step = 6}, kStart);
  Join(session);
  const auto again = session.Unanswered();
  ASSERT_THAT(Steps(again), ElementsAre(6));
  ASSERT_TRUE(again[0]->outcome.has_value());
  EXPECT_EQ(again[0]->outcome->step, 4);
}

TEST(Session, AsksForDigestsAtTheStepsThatTheRunWantsThem) {
  Session session = MakeSession();
  EXPECT_FALSE(session.WantsDigest(0));
  session.BeginJoin();
  ASSERT_TRUE(
      session.Welcomed({.generation = 1, .epoch = 1, .digest_every_steps = 10}, kStart).ok());
  EXPECT_TRUE(session.WantsDigest(20));
  EXPECT_FALSE(session.WantsDigest(21));
}

// ---- Pauses and checkpoints.

TEST(Session, APauseIsSentOnce) {
  Session session = MakeSession();
  Join(session);
  session.Pause({.reason = "evaluation", .until = kStart + absl::Minutes(1)});
  const auto pause = session.PauseToSend(kStart);
  ASSERT_TRUE(pause.has_value());
  EXPECT_EQ(pause->reason, "evaluation");
  EXPECT_EQ(session.PauseToSend(kStart), std::nullopt);
}

TEST(Session, APauseThatLastsIsSentAgainOnANewStream) {
  Session session = MakeSession();
  Join(session);
  session.Pause({.reason = "evaluation", .until = kStart + absl::Minutes(1)});
  session.PauseToSend(kStart);
  session.EndStream(Session::StreamEnd::kRetry);
  EXPECT_EQ(session.PauseToSend(kStart), std::nullopt);
  Join(session);
  EXPECT_TRUE(session.PauseToSend(kStart).has_value());
}

TEST(Session, APauseEndsAtItsTime) {
  Session session = MakeSession();
  session.Pause({.reason = "evaluation", .until = kStart + absl::Minutes(1)});
  Join(session);
  EXPECT_EQ(session.PauseToSend(kStart + absl::Minutes(1)), std::nullopt);
}

TEST(Session, APauseEndsWithTheNextReport) {
  Session session = MakeSession();
  session.Pause({.reason = "evaluation", .until = kStart + absl::Minutes(1)});
  session.Report({.step = 0}, kStart);
  Join(session);
  EXPECT_EQ(session.PauseToSend(kStart), std::nullopt);
}

TEST(Session, ACheckpointIsSentOnceItsStepHasADecision) {
  Session session = MakeSession();
  Join(session);
  session.Report({.step = 3}, kStart);
  session.Checkpointed(3);
  EXPECT_EQ(session.CheckpointToSend(), std::nullopt);
  session.TakeDecision(NoCommand(3));
  EXPECT_EQ(session.CheckpointToSend(), 3);
  EXPECT_EQ(session.CheckpointToSend(), std::nullopt);
}

TEST(Session, ACheckpointWrittenWhileDisconnectedIsSentAfterTheRejoin) {
  Session session = MakeSession();
  session.Checkpointed(3);
  EXPECT_EQ(session.CheckpointToSend(), std::nullopt);
  Join(session, {.generation = 1, .epoch = 1, .next_step = 4});
  EXPECT_EQ(session.CheckpointToSend(), 3);
}

}  // namespace
}  // namespace lehr
