#include "server/core/generation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/server/core/fine_losses.h"
#include "tests/server/core/generation_fixture.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Generation, OneRanksReportIsDecidedAtOnce) {
  Generation generation = Joined(Spec(1));
  const auto closed = ClosedBy(generation.Report(0, Losses(0), kStart));
  ASSERT_EQ(closed.size(), 1u);
  const StepDecision& decision = *closed[0].decision;
  EXPECT_EQ(decision.generation, 3u);
  EXPECT_EQ(decision.step, 0);
  EXPECT_EQ(decision.apply_step, 1);
  EXPECT_EQ(decision.reports, 1u);
  EXPECT_EQ(decision.policy, "error_driven");
  EXPECT_EQ(decision.observation.temperature.temperature, 3);
  EXPECT_EQ(decision.reason.code, ReasonCode::kActed);
  ASSERT_EQ(decision.actions.size(), 1u);
  EXPECT_EQ(std::get<PerturbAction>(decision.actions[0]).stddev, 3);
  EXPECT_NE(std::get<PerturbAction>(decision.actions[0]).id, 0u);
  EXPECT_THAT(closed[0].reporters, ElementsAre(0));
  EXPECT_EQ(generation.decided_through(), 0);
}

TEST(Generation, TheObservationHasTheQuantilesOfTheStep) {
  Generation generation = Joined(Spec(2));
  generation.Report(0, Losses(0, {1, 2, 3, 4, 5}), kStart);
  const auto closed = ClosedBy(generation.Report(1, Losses(0, {10, 9, 8, 7, 6}), kStart));
  EXPECT_EQ(closed.at(0).decision->observation.quantiles, (LossQuantiles{1, 5, 9}));
}

// 1 + ... + 14 and 8 twice again: 24 of 121 tie. And 16 losses of 1, of another report.
TEST(Generation, TheObservationHasTheShareOfTheStepsLossThatTies) {
  const std::vector<float> eight = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 8, 8};
  Generation generation = Joined(Spec(2));
  generation.Report(0, Losses(0, Fine(eight)), kStart);
  auto closed = ClosedBy(generation.Report(1, Losses(0, Fine(std::vector<float>(16, 1))), kStart));
  EXPECT_EQ(closed.at(0).decision->observation.tied_share, 40.0 / 137);
  generation.Report(0, Losses(1, {1, 1}), kStart);
  closed = ClosedBy(generation.Report(1, Losses(1, {1, 1}), kStart));
  EXPECT_EQ(closed.at(0).decision->observation.tied_share, std::nullopt);
}

TEST(Generation, LagMovesTheApplyStep) {
  GenerationSpec spec = Spec(1);
  spec.settings.lag = 2;
  Generation generation = Joined(spec);
  EXPECT_EQ(ClosedBy(generation.Report(0, Losses(5), kStart)).at(0).decision->apply_step, 8);
}

TEST(Generation, NoStepClosesBeforeEveryRankHasJoined) {
  Generation generation(Spec(2));
  generation.Connect(0, Hello(), kStart);
  EXPECT_THAT(ClosedBy(generation.Report(0, Losses(0), kStart)), IsEmpty());
  EXPECT_THAT(generation.Tick(kStart + absl::Hours(9)).closed, IsEmpty());
}

TEST(Generation, AStepClosesWithTheLastRanksReport) {
  Generation generation = Joined(Spec(3));
  EXPECT_THAT(ClosedBy(generation.Report(2, Losses(0), kStart)), IsEmpty());
  EXPECT_THAT(ClosedBy(generation.Report(0, Losses(0), kStart)), IsEmpty());
  const auto closed = ClosedBy(generation.Report(1, Losses(0), kStart));
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_THAT(closed[0].reporters, ElementsAre(2, 0, 1));
  EXPECT_EQ(closed[0].decision->observation.temperature.count, 6u);
}

// The decision depends on the losses, not on who sent them first.
TEST(Generation, TheOrderOfReportsChangesNothing) {
  const auto decide = [](std::vector<uint32_t> order) {
    Generation generation = Joined(Spec(3));
    std::vector<ClosedStep> closed;
    for (const uint32_t rank : order) {
      closed = ClosedBy(
          generation.Report(rank, Losses(0, {1.5f + static_cast<float>(rank), 0.1f}), kStart));
    }
    return *closed.at(0).decision;
  };
  const StepDecision forwards = decide({0, 1, 2});
  const StepDecision backwards = decide({2, 1, 0});
  EXPECT_EQ(std::get<PerturbAction>(forwards.actions[0]).stddev,
            std::get<PerturbAction>(backwards.actions[0]).stddev);
  EXPECT_EQ(std::get<PerturbAction>(forwards.actions[0]).seed,
            std::get<PerturbAction>(backwards.actions[0]).seed);
}

TEST(Generation, AStragglerIsLeftOutAtTheTimeout) {
  Generation generation = Joined(Spec(3));
  generation.Report(0, Losses(0), kStart);
  generation.Report(1, Losses(0), kStart + absl::Seconds(3));
  EXPECT_EQ(generation.NextDeadline(), kStart + kStraggler);
  EXPECT_THAT(generation.Tick(kStart + kStraggler - absl::Nanoseconds(1)).closed, IsEmpty());
  const auto closed = generation.Tick(kStart + kStraggler).closed;
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].decision->reports, 2u);
  EXPECT_EQ(closed[0].decision->reason.code, ReasonCode::kActed);
}

TEST(Generation, BelowTheQuorumNothingIsDone) {
  Generation generation = Joined(Spec(4));
  generation.Report(0, Losses(0), kStart);
  generation.Report(1, Losses(0), kStart);
  const auto closed = generation.Tick(kStart + kStraggler).closed;
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_THAT(closed[0].decision->actions, IsEmpty());
  EXPECT_EQ(closed[0].decision->reason.code, ReasonCode::kBelowQuorum);
  EXPECT_EQ(closed[0].decision->reason.value, 2);
  EXPECT_EQ(closed[0].decision->reason.limit, 3);
}

TEST(Generation, ASilentRankIsWaitedForOnce) {
  Generation generation = Joined(Spec(3));
  generation.Report(0, Losses(0), kStart);
  generation.Report(1, Losses(0), kStart);
  generation.Tick(kStart + kStraggler);
  generation.Report(0, Losses(1), kStart + kStraggler);
  EXPECT_EQ(Steps(ClosedBy(generation.Report(1, Losses(1), kStart + kStraggler))),
            std::vector<int64_t>({1}));
}

TEST(Generation, ASilentRankIsWaitedForAgainOnceItReports) {
  Generation generation = Joined(Spec(3));
  generation.Report(0, Losses(0), kStart);
  generation.Report(1, Losses(0), kStart);
  generation.Tick(kStart + kStraggler);
  generation.Report(2, Losses(0), kStart + kStraggler);
  generation.Report(0, Losses(1), kStart + kStraggler);
  EXPECT_THAT(ClosedBy(generation.Report(1, Losses(1), kStart + kStraggler)), IsEmpty());
}

TEST(Generation, ALateRankGetsTheRecordedDecision) {
  Generation generation = Joined(Spec(3));
  generation.Report(0, Losses(0), kStart);
  generation.Report(1, Losses(0), kStart);
  const auto closed = generation.Tick(kStart + kStraggler).closed;
  const auto late = std::get<ReportAnswered>(generation.Report(2, Losses(0), kStart + kStraggler));
  EXPECT_EQ(late.decision, closed.at(0).decision);
  EXPECT_FALSE(late.conflict);
  EXPECT_TRUE(late.late);
}

TEST(Generation, ADeclaredPauseIsWaitedFor) {
  Generation generation = Joined(Spec(2));
  generation.Pause(1, kStart + absl::Minutes(5));
  generation.Report(0, Losses(0), kStart);
  EXPECT_THAT(generation.Tick(kStart + kStraggler).closed, IsEmpty());
  EXPECT_EQ(generation.NextDeadline(), kStart + absl::Minutes(5));
  EXPECT_EQ(generation.Tick(kStart + absl::Minutes(5)).closed.size(), 1u);
}

// It trained on without its supervisor: what it skipped will never come.
TEST(Generation, ARankThatJumpsAheadIsNotWaitedForAtTheStepsBetween) {
  Generation generation = Joined(Spec(2));
  generation.Report(0, Losses(0), kStart);
  EXPECT_EQ(Steps(ClosedBy(generation.Report(1, Losses(4), kStart))), std::vector<int64_t>({0}));
  EXPECT_EQ(Steps(ClosedBy(generation.Report(0, Losses(4), kStart))), std::vector<int64_t>({4}));
}

TEST(Generation, AReportSentAgainGetsTheIdenticalDecision) {
  Generation generation = Joined(Spec(1));
  const auto closed = ClosedBy(generation.Report(0, Losses(0), kStart));
  const auto again = std::get<ReportAnswered>(generation.Report(0, Losses(0), kStart));
  EXPECT_EQ(again.decision, closed.at(0).decision);
  EXPECT_FALSE(again.conflict);
  EXPECT_FALSE(again.late);
}

TEST(Generation, AConflictingResendOfAClosedStepIsAnsweredAndTold) {
  Generation generation = Joined(Spec(1));
  const auto closed = ClosedBy(generation.Report(0, Losses(0, {3, 0}), kStart));
  const auto again = std::get<ReportAnswered>(generation.Report(0, Losses(0, {4, 0}), kStart));
  EXPECT_EQ(again.decision, closed.at(0).decision);
  EXPECT_TRUE(again.conflict);
}

TEST(Generation, AResendOfAnOpenStepCountsOnce) {
  Generation generation = Joined(Spec(2));
  generation.Report(0, Losses(0), kStart);
  generation.Report(0, Losses(0), kStart);
  EXPECT_EQ(ClosedBy(generation.Report(1, Losses(0), kStart))
                .at(0)
                .decision->observation.temperature.count,
            4u);
}

TEST(Generation, AConflictingResendOfAnOpenStepIsRefused) {
  Generation generation = Joined(Spec(2));
  generation.Report(0, Losses(0, {3, 0}), kStart);
  const auto refused = std::get<ReportRefused>(generation.Report(0, Losses(0, {4, 0}), kStart));
  EXPECT_EQ(refused.code, RefusalCode::kConflict);
}

TEST(Generation, RefusesStepsOutsideOfItsBounds) {
  GenerationSpec spec = Spec(2);
  spec.resume_step = 100;
  Generation generation = Joined(spec);
  const auto refuse = [&](int64_t step) {
    return std::get<ReportRefused>(generation.Report(0, Losses(step), kStart));
  };
  EXPECT_THAT(refuse(99).message, HasSubstr("step is 99"));
  EXPECT_EQ(refuse(kMaxStep).code, RefusalCode::kInvalid);
  EXPECT_EQ(refuse(-1).code, RefusalCode::kInvalid);
  generation.Report(0, Losses(100), kStart);
  EXPECT_EQ(refuse(100 + kMaxOpenSteps + 1).code, RefusalCode::kOutsideWindow);
  EXPECT_THAT(ClosedBy(generation.Report(0, Losses(100 + kMaxOpenSteps), kStart)), IsEmpty());
  EXPECT_THAT(refuse(105).message, HasSubstr("must grow"));
}

TEST(Generation, TheSameProcessTakesItsRankOver) {
  Generation generation = Joined(Spec(1));
  EXPECT_TRUE(generation.CanConnect(0, Hello("p")).ok());
  EXPECT_EQ(generation.CanConnect(0, Hello("q")).code(), absl::StatusCode::kAlreadyExists);
  generation.Disconnect(0);
  EXPECT_TRUE(generation.CanConnect(0, Hello("q")).ok());
}

TEST(Generation, RefusesARankBeyondTheWorldSize) {
  const absl::Status status = Generation(Spec(2)).CanConnect(2, Hello());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("rank is 2"));
}

TEST(Generation, WithoutAnAgreeFunctionManyRanksOnlyObserve) {
  Generation generation(Spec(2));
  generation.Connect(0, Hello(), kStart);
  generation.Connect(1, {.process = "p", .can_agree = false}, kStart);
  generation.Report(0, Losses(0), kStart);
  const auto closed = ClosedBy(generation.Report(1, Losses(0), kStart));
  EXPECT_THAT(closed.at(0).decision->actions, IsEmpty());
  EXPECT_EQ(closed.at(0).decision->withheld.size(), 1u);
  EXPECT_EQ(closed.at(0).decision->reason.code, ReasonCode::kNoAgree);
}

TEST(Generation, OneRankNeedsNoAgreeFunction) {
  Generation generation(Spec(1));
  generation.Connect(0, {.process = "p", .can_agree = false}, kStart);
  EXPECT_EQ(ClosedBy(generation.Report(0, Losses(0), kStart)).at(0).decision->actions.size(), 1u);
}

TEST(Generation, WhereARankDoesNotKnowTheNoiseNothingActs) {
  Generation generation(Spec(2));
  generation.Connect(0, {.process = "p", .can_agree = true}, kStart);
  generation.Connect(1, {.process = "p", .can_agree = true, .knows_noise = false}, kStart);
  generation.Report(0, Losses(0), kStart);
  const auto closed = ClosedBy(generation.Report(1, Losses(0), kStart));
  EXPECT_EQ(closed.at(0).decision->reason.code, ReasonCode::kNoNoiseSpec);
  EXPECT_EQ(closed.at(0).decision->reason.value, 1);
  EXPECT_THAT(closed.at(0).decision->actions, IsEmpty());
  // A process that knows it takes the rank over.
  generation.Connect(1, {.process = "p", .can_agree = true}, kStart);
  generation.Report(0, Losses(1), kStart);
  const auto next = ClosedBy(generation.Report(1, Losses(1), kStart));
  EXPECT_EQ(next.at(0).decision->reason.code, ReasonCode::kActed);
}

TEST(Generation, AbandonedStepsNameTheirReportersAndNeverClose) {
  Generation generation = Joined(Spec(2));
  generation.Report(1, Losses(0), kStart);
  generation.Report(1, Losses(1), kStart);
  const auto abandoned = generation.Abandon();
  ASSERT_EQ(abandoned.size(), 2u);
  EXPECT_EQ(abandoned[0].step, 0);
  EXPECT_THAT(abandoned[0].reporters, ElementsAre(1));
  EXPECT_EQ(abandoned[1].step, 1);
  EXPECT_THAT(generation.Tick(kStart + absl::Hours(1)).closed, IsEmpty());
}

TEST(Generation, NothingActsOnceARankHasLeft) {
  Generation generation = Joined(Spec(2));
  generation.Leave(1, kStart);
  const auto closed = ClosedBy(generation.Report(0, Losses(0), kStart));
  EXPECT_EQ(closed.at(0).decision->reason.code, ReasonCode::kBelowQuorum);
}

TEST(Generation, ObserveTellsWhatItWouldDo) {
  GenerationSpec spec = Spec(1);
  spec.settings.policy.observe = true;
  Generation generation = Joined(spec);
  const StepDecision decision = *ClosedBy(generation.Report(0, Losses(0), kStart)).at(0).decision;
  EXPECT_THAT(decision.actions, IsEmpty());
  ASSERT_EQ(decision.withheld.size(), 1u);
  EXPECT_EQ(std::get<PerturbAction>(decision.withheld[0]).stddev, 3);
  EXPECT_EQ(decision.reason.code, ReasonCode::kObserveOnly);
}

TEST(Generation, StoppedActingHoldsBackUntilItIsAllowedAgain) {
  Generation generation = Joined(Spec(1));
  generation.StopActing(true);
  EXPECT_EQ(ClosedBy(generation.Report(0, Losses(0), kStart)).at(0).decision->reason.code,
            ReasonCode::kActingStopped);
  generation.StopActing(false);
  EXPECT_EQ(ClosedBy(generation.Report(0, Losses(1), kStart)).at(0).decision->actions.size(), 1u);
}

TEST(Generation, APolicyChangeHoldsFromTheNextUnopenedStep) {
  Generation generation = Joined(Spec(2));
  generation.Report(0, Losses(0), kStart);
  EXPECT_EQ(generation.SetPolicy(Policy{.observe = true}), 1);
  EXPECT_EQ(ClosedBy(generation.Report(1, Losses(0), kStart)).at(0).decision->reason.code,
            ReasonCode::kActed);
  generation.Report(0, Losses(1), kStart);
  EXPECT_EQ(ClosedBy(generation.Report(1, Losses(1), kStart)).at(0).decision->reason.code,
            ReasonCode::kObserveOnly);
}

TEST(Generation, AGuardChangeHoldsFromTheNextUnopenedStep) {
  Generation generation = Joined(Spec(1));
  EXPECT_EQ(generation.SetGuards({.max_stddev = 0.5}), 0);
  EXPECT_EQ(FirstNoise(ClosedBy(generation.Report(0, Losses(0), kStart)).at(0)).stddev, 0.5f);
}

// A rewind on the same branch sees the same noise; on another branch it does not.
TEST(Generation, SeedsFollowTheBranchAndTheStep) {
  const auto seed = [](uint64_t number, uint32_t branch, int64_t step) {
    GenerationSpec spec = Spec(1);
    spec.number = number;
    spec.branch = branch;
    Generation generation = Joined(spec);
    return FirstNoise(ClosedBy(generation.Report(0, Losses(step), kStart)).at(0)).seed;
  };
  EXPECT_EQ(seed(1, 0, 5), seed(2, 0, 5));
  EXPECT_NE(seed(1, 0, 5), seed(1, 1, 5));
  EXPECT_NE(seed(1, 0, 5), seed(1, 0, 6));
}

TEST(Generation, CooldownForgetsACommandThatWasSkipped) {
  GenerationSpec spec = Spec(1);
  spec.settings.guards.cooldown_steps = 100;
  Generation generation = Joined(spec);
  generation.Report(0, Losses(0), kStart);
  generation.CommandSkipped(0);
  EXPECT_EQ(ClosedBy(generation.Report(0, Losses(1), kStart)).at(0).decision->actions.size(), 1u);
}

TEST(Generation, ARewindToACheckpointKeepsTheGuardsState) {
  GenerationSpec spec = Spec(1);
  spec.settings.guards.cooldown_steps = 100;
  Generation generation = Joined(spec);
  const RunMemory then = ClosedBy(generation.Report(0, Losses(10), kStart)).at(0).memory_after;
  spec.resume_step = 11;
  Generation rewound(spec, then);
  rewound.Connect(0, Hello(), kStart);
  EXPECT_EQ(ClosedBy(rewound.Report(0, Losses(11), kStart)).at(0).decision->reason.code,
            ReasonCode::kCooldown);
}

// --- A policy with a memory. ---

// Every step is a pass over the data set, and its loss never moves.
GenerationSpec Stalled() {
  GenerationSpec spec = Spec(1);
  spec.settings.policy.rule = ReheatPolicy();
  return spec;
}

// Steps from `step` on until one changes parameters: that decision.
StepDecision StepsUntilItActs(Generation& generation, int64_t& step) {
  while (step < 1000) {
    StepReport report = Losses(step++, {2, 2});
    report.snapshots = {1};
    const StepDecision decision =
        *ClosedBy(generation.Report(0, std::move(report), kStart)).at(0).decision;
    if (ChangesParameters(decision.actions) || ChangesParameters(decision.withheld)) {
      return decision;
    }
  }
  return {};
}

Generation JoinedWithSnapshots(const GenerationSpec& spec, RunMemory memory = {}) {
  Generation generation(spec, std::move(memory));
  Generation::Hello hello = Hello();
  hello.snapshot_capacity = 2;
  generation.Connect(0, hello, kStart);
  return generation;
}

TEST(Generation, ThePolicyRemembersFromStepToStep) {
  Generation generation = JoinedWithSnapshots(Stalled());
  int64_t step = 0;
  const StepDecision decision = StepsUntilItActs(generation, step);
  EXPECT_EQ(decision.reason.code, ReasonCode::kStallBound);
  ASSERT_EQ(decision.actions.size(), 3u);
  EXPECT_EQ(std::get<RestoreAction>(decision.actions[0]).id, 1u);
  EXPECT_NE(std::get<PerturbAction>(decision.actions[1]).seed, 0u);
  EXPECT_EQ(std::get<PerturbAction>(decision.actions[2]).tensor_selector, "*bias");
}

TEST(Generation, WithoutSnapshotsThePolicyPerturbsOnly) {
  Generation generation = Joined(Stalled());
  int64_t step = 0;
  const StepDecision decision = StepsUntilItActs(generation, step);
  ASSERT_EQ(decision.actions.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<PerturbAction>(decision.actions[0]));
  EXPECT_TRUE(std::holds_alternative<PerturbAction>(decision.actions[1]));
}

TEST(Generation, ThePolicyForgetsACommandThatWasSkipped) {
  Generation generation = JoinedWithSnapshots(Stalled());
  int64_t step = 0;
  const StepDecision first = StepsUntilItActs(generation, step);
  generation.CommandSkipped(first.step);
  EXPECT_EQ(StepsUntilItActs(generation, step).step, first.step + 1);
}

TEST(Generation, ThePolicyForgetsWhatAGuardWithheld) {
  Generation generation = JoinedWithSnapshots(Stalled());
  generation.StopActing(true);
  int64_t step = 0;
  const StepDecision first = StepsUntilItActs(generation, step);
  EXPECT_EQ(first.reason.code, ReasonCode::kActingStopped);
  EXPECT_EQ(StepsUntilItActs(generation, step).step, first.step + 1);
}

TEST(Generation, AShadowAsksForNoSnapshots) {
  GenerationSpec spec = Stalled();
  spec.settings.policy.observe = true;
  Generation generation = JoinedWithSnapshots(spec);
  const StepDecision first = *ClosedBy(generation.Report(0, Losses(0), kStart)).at(0).decision;
  EXPECT_THAT(first.withheld, IsEmpty());
  EXPECT_EQ(first.reason.code, ReasonCode::kImproving);
}

// Whether a run that stalls cools near its end.
bool Cools(const GenerationSpec& spec, const std::vector<bool>& rank_scales) {
  Generation generation(spec);
  for (uint32_t rank = 0; rank < spec.world_size; ++rank) {
    Generation::Hello hello = Hello();
    hello.scales_learning_rate = rank_scales.at(rank);
    generation.Connect(rank, hello, kStart);
  }
  const auto cools = [](const Action& action) {
    return std::holds_alternative<LearningRateAction>(action);
  };
  bool cooled = false;
  for (int64_t step = 0; step < 200; ++step) {
    std::vector<ClosedStep> closed;
    for (uint32_t rank = 0; rank < spec.world_size; ++rank) {
      closed = ClosedBy(generation.Report(rank, Losses(step, {2, 2}), kStart));
    }
    const StepDecision& decision = *closed.at(0).decision;
    for (const std::vector<Action>* actions : {&decision.actions, &decision.withheld}) {
      cooled = cooled || std::any_of(actions->begin(), actions->end(), cools);
    }
  }
  return cooled;
}

TEST(Generation, ReheatCoolsOnlyWhereEveryRankCanScaleItsLearningRate) {
  GenerationSpec spec = Spec(2);
  spec.settings.policy.rule = ReheatPolicy{.planned_steps = 200};
  EXPECT_TRUE(Cools(spec, {true, true}));
  EXPECT_FALSE(Cools(spec, {true, false}));
  spec.settings.policy.observe = true;
  EXPECT_FALSE(Cools(spec, {true, true}));
}

TEST(Generation, ARewindToACheckpointKeepsThePolicysState) {
  const GenerationSpec spec = Stalled();
  Generation generation = JoinedWithSnapshots(spec);
  int64_t step = 0;
  const int64_t acted = StepsUntilItActs(generation, step).step;
  Generation before = JoinedWithSnapshots(spec);
  RunMemory memory;
  for (int64_t i = 0; i < acted; ++i) {
    StepReport report = Losses(i, {2, 2});
    report.snapshots = {1};
    memory = ClosedBy(before.Report(0, std::move(report), kStart)).at(0).memory_after;
  }
  GenerationSpec rewound_spec = spec;
  rewound_spec.resume_step = acted;
  Generation rewound = JoinedWithSnapshots(rewound_spec, memory);
  step = acted;
  EXPECT_EQ(StepsUntilItActs(rewound, step).step, acted);
}

}  // namespace
}  // namespace lehr
