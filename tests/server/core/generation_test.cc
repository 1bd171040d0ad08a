#include "server/core/generation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;

const absl::Time kStart = absl::UnixEpoch() + absl::Hours(1);
constexpr absl::Duration kStraggler = absl::Seconds(10);
constexpr absl::Duration kJoin = absl::Seconds(60);

GenerationSpec Spec(uint32_t world_size) {
  GenerationSpec spec;
  spec.number = 3;
  spec.world_size = world_size;
  spec.settings.policy.rule = ErrorDrivenPolicy{.base_noise_level = 1};
  spec.settings.run_seed = 7;
  spec.settings.straggler_timeout = kStraggler;
  spec.settings.join_timeout = kJoin;
  return spec;
}

// One loss of 3 and one of 0: M = 3, I = 1, so T = 3 and the noise is 3.
StepReport Losses(int64_t step, std::vector<float> losses = {3, 0}) {
  StepReport report;
  report.step = step;
  report.losses.Add(losses);
  report.digest = 1 + static_cast<uint64_t>(losses[0] * 1000);
  return report;
}

Generation::Hello Hello(const std::string& process = "p", int64_t highest_step = -1) {
  return {.process = process, .can_agree = true, .highest_step = highest_step};
}

// A run whose ranks have all joined.
Generation Joined(const GenerationSpec& spec) {
  Generation generation(spec);
  for (uint32_t rank = 0; rank < spec.world_size; ++rank) {
    generation.Connect(rank, Hello(), kStart);
  }
  return generation;
}

std::vector<ClosedStep> ClosedBy(const ReportResult& result) {
  return std::get<ReportTaken>(result).effects.closed;
}

const PerturbAction& FirstNoise(const ClosedStep& closed) {
  return std::get<PerturbAction>(closed.decision->actions.at(0));
}

std::vector<int64_t> Steps(const std::vector<ClosedStep>& closed) {
  std::vector<int64_t> steps;
  for (const ClosedStep& step : closed) {
    steps.push_back(step.decision->step);
  }
  return steps;
}

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

// --- Scope dataset. ---

GenerationSpec DatasetSpec(uint32_t world_size, uint64_t dataset_examples,
                           uint32_t table_examples = 1000) {
  GenerationSpec spec = Spec(world_size);
  spec.settings.scope = LossScope::kDataset;
  spec.settings.dataset_examples = dataset_examples;
  spec.settings.table_examples = table_examples;
  return spec;
}

StepReport Examples(int64_t step, std::vector<ExampleLoss> examples) {
  StepReport report;
  report.step = step;
  report.examples = std::move(examples);
  return report;
}

// Of examples [begin, end), each with `loss`.
StepReport ExamplesFrom(int64_t step, uint64_t begin, uint64_t end, float loss = 1) {
  std::vector<ExampleLoss> examples;
  for (uint64_t id = begin; id < end; ++id) {
    examples.push_back({id, loss});
  }
  return Examples(step, std::move(examples));
}

StepDecision DecisionAt(Generation& generation, StepReport report) {
  return *ClosedBy(generation.Report(0, std::move(report), kStart)).at(0).decision;
}

// 3 on one of four examples, 0 on the others, in two batches: M = 3, I = 1, T = 3.
TEST(GenerationDataset, TheObservationIsOfAllExamplesThatAreKnown) {
  Generation generation = Joined(DatasetSpec(1, 4));
  DecisionAt(generation, Examples(0, {{10, 3}, {11, 5}}));
  const StepDecision decision = DecisionAt(generation, Examples(1, {{11, 0}, {12, 0}, {13, 0}}));
  EXPECT_EQ(decision.observation.temperature.count, 4u);
  EXPECT_EQ(decision.observation.temperature.temperature, 3);
  EXPECT_EQ(decision.observation.max, 3);
  EXPECT_EQ(decision.observation.coverage, 1);
  EXPECT_EQ(decision.observation.highest.at(0), (ExampleLoss{10, 3}));
  EXPECT_EQ(decision.reason.code, ReasonCode::kActed);
  EXPECT_EQ(std::get<PerturbAction>(decision.actions.at(0)).stddev, 3);
}

TEST(GenerationDataset, BelowNinetyFivePercentNothingActs) {
  Generation generation = Joined(DatasetSpec(1, 100));
  DecisionAt(generation, Examples(0, {{0, 3}}));
  const StepDecision cold = DecisionAt(generation, ExamplesFrom(1, 1, 94));
  EXPECT_EQ(cold.reason.code, ReasonCode::kWarmingUp);
  EXPECT_DOUBLE_EQ(cold.reason.value, 0.94);
  EXPECT_EQ(cold.reason.limit, 0.95);
  EXPECT_DOUBLE_EQ(cold.observation.coverage, 0.94);
  EXPECT_THAT(cold.actions, IsEmpty());
  EXPECT_THAT(cold.withheld, IsEmpty());
  EXPECT_GT(cold.observation.temperature.temperature, 0);
  const StepDecision warm = DecisionAt(generation, ExamplesFrom(2, 94, 95));
  EXPECT_EQ(warm.reason.code, ReasonCode::kActed);
}

TEST(GenerationDataset, CoverageIsOfWhatTheTableCanHold) {
  Generation generation = Joined(DatasetSpec(1, uint64_t{1} << 40, /*table_examples=*/10));
  EXPECT_DOUBLE_EQ(DecisionAt(generation, ExamplesFrom(0, 0, 4)).observation.coverage, 0.4);
  EXPECT_EQ(DecisionAt(generation, ExamplesFrom(1, 0, 500)).observation.coverage, 1);
  EXPECT_EQ(DecisionAt(generation, ExamplesFrom(2, 0, 500)).observation.temperature.count, 10u);
}

// The trainer said less than it has.
TEST(GenerationDataset, CoverageIsAtMostOne) {
  Generation generation = Joined(DatasetSpec(1, 3));
  EXPECT_EQ(DecisionAt(generation, ExamplesFrom(0, 0, 9)).observation.coverage, 1);
}

TEST(GenerationDataset, AnExampleOfTwoRanksCountsOnceWithItsGreatestLoss) {
  const auto decide = [](std::vector<uint32_t> order) {
    Generation generation = Joined(DatasetSpec(2, 2));
    std::vector<ClosedStep> closed;
    for (const uint32_t rank : order) {
      closed = ClosedBy(generation.Report(
          rank, Examples(0, {{7, rank == 0 ? 3.0f : 2.0f}, {8, rank == 0 ? 0.0f : 0.5f}}), kStart));
    }
    return closed.at(0).decision->observation;
  };
  EXPECT_THAT(decide({0, 1}).highest, ElementsAre(ExampleLoss{7, 3}, ExampleLoss{8, 0.5f}));
  EXPECT_EQ(decide({0, 1}).temperature, decide({1, 0}).temperature);
}

TEST(GenerationDataset, UnusableLossesAreThoseOfTheStep) {
  Generation generation = Joined(DatasetSpec(1, 2));
  EXPECT_EQ(DecisionAt(generation, Examples(0, {{1, 3}, {2, -1}})).observation.excluded.negative,
            1u);
  const Observation next = DecisionAt(generation, Examples(1, {{2, 0}})).observation;
  EXPECT_EQ(next.excluded.negative, 0u);
  EXPECT_EQ(next.temperature.temperature, 3);
}

TEST(GenerationDataset, ALateReportStaysOutOfTheTable) {
  Generation generation = Joined(DatasetSpec(3, 10));
  generation.Report(0, Examples(0, {{1, 1}}), kStart);
  generation.Report(1, Examples(0, {{2, 1}}), kStart);
  generation.Tick(kStart + kStraggler);
  generation.Report(2, Examples(0, {{3, 9}}), kStart + kStraggler);
  generation.Report(0, Examples(1, {{1, 1}}), kStart + kStraggler);
  generation.Report(1, Examples(1, {{2, 1}}), kStart + kStraggler);
  const auto closed = ClosedBy(generation.Report(2, Examples(1, {{4, 1}}), kStart + kStraggler));
  EXPECT_EQ(closed.at(0).decision->observation.temperature.count, 3u);
  EXPECT_EQ(closed.at(0).decision->observation.max, 1);
}

TEST(GenerationDataset, DeadExamplesAreObserved) {
  Generation generation = Joined(DatasetSpec(1, 4));
  StepDecision decision;
  for (int64_t step = 0; step < 9; ++step) {
    decision = DecisionAt(generation, Examples(step, {{0, 0}, {1, 0}, {2, 1}, {3, 0}}));
  }
  EXPECT_EQ(decision.observation.dead_examples, 1u);
  EXPECT_THAT(decision.observation.dead, ElementsAre(ExampleLoss{2, 1}));
}

// The latest losses were only in memory.
TEST(GenerationDataset, AfterARestartItWarmsUpAgain) {
  Generation generation(DatasetSpec(1, 4), {.decided_through = 7}, /*clean_stop=*/true, kStart);
  generation.Connect(0, Hello("p", /*highest_step=*/7), kStart);
  EXPECT_EQ(DecisionAt(generation, ExamplesFrom(8, 0, 3)).reason.code, ReasonCode::kWarmingUp);
  EXPECT_NE(DecisionAt(generation, ExamplesFrom(9, 3, 4)).reason.code, ReasonCode::kWarmingUp);
}

// Two batches of two make a pass; the loss that is NaN is none of it.
TEST(GenerationDataset, ReheatLooksOnceAPassOverTheDataSet) {
  GenerationSpec spec = DatasetSpec(1, 4);
  spec.settings.policy.rule = ReheatPolicy();
  Generation generation = Joined(spec);
  DecisionAt(generation, ExamplesFrom(0, 0, 2));
  EXPECT_NE(DecisionAt(generation, ExamplesFrom(1, 2, 4)).reason.code, ReasonCode::kWarmingUp);
  for (const int64_t step : {2, 4}) {
    std::vector<ReasonCode> codes;
    for (const uint64_t begin : {0, 2}) {
      codes.push_back(
          DecisionAt(generation, ExamplesFrom(step + begin / 2, begin, begin + 2)).reason.code);
    }
    EXPECT_EQ(std::count(codes.begin(), codes.end(), ReasonCode::kPassUnderWay), 1) << step;
  }
  const float nan = std::numeric_limits<float>::quiet_NaN();
  DecisionAt(generation, Examples(6, {{0, 1}, {1, nan}}));
  DecisionAt(generation, Examples(7, {{2, 1}, {3, 1}}));
  const StepDecision under_way = DecisionAt(generation, Examples(8, {{1, nan}}));
  EXPECT_EQ(under_way.reason.code, ReasonCode::kPassUnderWay);
  EXPECT_EQ(under_way.reason.limit, 4);
}

TEST(GenerationDataset, AStepOfTooManyLossesIsRefused) {
  Generation generation = Joined(DatasetSpec(2, 4));
  generation.Report(0, ExamplesFrom(0, 0, kMaxStepExamples), kStart);
  const auto refused = std::get<ReportRefused>(generation.Report(1, Examples(0, {{1, 1}}), kStart));
  EXPECT_EQ(refused.code, RefusalCode::kInvalid);
  EXPECT_THAT(refused.message, HasSubstr("step 0 has 4194305 losses"));
}

// Rank 0 runs ahead until memory is full. The others can still report the oldest step.
TEST(GenerationDataset, ARankThatRunsAheadIsRefusedBeforeItShutsOutTheOthers) {
  Generation generation = Joined(DatasetSpec(3, 4));
  const uint64_t half = kMaxOpenExamples / 2;
  generation.Report(0, ExamplesFrom(0, 0, half), kStart);
  generation.Report(0, ExamplesFrom(1, 0, half), kStart);
  const auto refused = std::get<ReportRefused>(generation.Report(0, Examples(2, {{1, 1}}), kStart));
  EXPECT_EQ(refused.code, RefusalCode::kOutsideWindow);
  EXPECT_THAT(refused.message, HasSubstr("4194305 losses"));
  EXPECT_THAT(ClosedBy(generation.Report(1, ExamplesFrom(0, 0, half), kStart)), IsEmpty());
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
  EXPECT_EQ(decision.reason.code, ReasonCode::kStallFlat);
  ASSERT_EQ(decision.actions.size(), 2u);
  EXPECT_EQ(std::get<RestoreAction>(decision.actions[0]).id, 1u);
  EXPECT_NE(std::get<PerturbAction>(decision.actions[1]).seed, 0u);
}

TEST(Generation, WithoutSnapshotsThePolicyPerturbsOnly) {
  Generation generation = Joined(Stalled());
  int64_t step = 0;
  EXPECT_EQ(StepsUntilItActs(generation, step).actions.size(), 1u);
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

// --- Restarts of the supervisor. ---

TEST(GenerationRestart, AfterACleanStopItGoesOnWithTheNextStep) {
  Generation generation(Spec(1), {.decided_through = 7}, /*clean_stop=*/true, kStart);
  generation.Connect(0, Hello("p", /*highest_step=*/8), kStart);
  EXPECT_EQ(Steps(ClosedBy(generation.Report(0, Losses(8), kStart))), std::vector<int64_t>({8}));
}

// Step 8 was reported before the crash: it may have been decided, and the decision lost.
TEST(GenerationRestart, AfterACrashAReportedStepIsNoneForGood) {
  Generation generation(Spec(1), {.decided_through = 7}, /*clean_stop=*/false, kStart);
  generation.Connect(0, Hello("p", /*highest_step=*/8), kStart);
  EXPECT_EQ(std::get<ReportAnswered>(generation.Report(0, Losses(8), kStart)).decision, nullptr);
  const StepDecision none = *generation.RecordNone({0}, 8, kStart).decision;
  EXPECT_THAT(none.actions, IsEmpty());
  EXPECT_EQ(none.reason.code, ReasonCode::kUnknownAfterCrash);
  EXPECT_NE(std::get<ReportAnswered>(generation.Report(0, Losses(8), kStart)).decision, nullptr);
  EXPECT_EQ(ClosedBy(generation.Report(0, Losses(9), kStart)).at(0).decision->actions.size(), 1u);
}

TEST(GenerationRestart, WhatARankHoldsIsTakenBack) {
  Generation before = Joined(Spec(1));
  const StepDecision held = *ClosedBy(before.Report(0, Losses(8), kStart)).at(0).decision;
  Generation generation(Spec(1), {.decided_through = 7}, /*clean_stop=*/false, kStart);
  EXPECT_THAT(generation.Restore(held), Optional(IsEmpty()));
  EXPECT_EQ(generation.Restore(held), std::nullopt);
  generation.Connect(0, Hello("p", /*highest_step=*/8), kStart);
  const auto again = std::get<ReportAnswered>(generation.Report(0, Losses(8), kStart));
  ASSERT_NE(again.decision, nullptr);
  EXPECT_EQ(std::get<PerturbAction>(again.decision->actions.at(0)).seed,
            std::get<PerturbAction>(held.actions.at(0)).seed);
}

// The rank that is back first holds the newest decision, and not the one before it.
TEST(GenerationRestart, WhatAnotherRankBringsMayBeOlder) {
  Generation before = Joined(Spec(2));
  std::vector<StepDecision> held;
  for (const int64_t step : {8, 9}) {
    before.Report(0, Losses(step), kStart);
    held.push_back(*ClosedBy(before.Report(1, Losses(step), kStart)).at(0).decision);
  }
  Generation generation(Spec(2), {.decided_through = 7}, /*clean_stop=*/false, kStart);
  EXPECT_THAT(generation.Restore(held[1]), Optional(IsEmpty()));
  generation.Connect(0, Hello("p", 9), kStart);
  EXPECT_THAT(generation.Restore(held[0]), Optional(IsEmpty()));
  EXPECT_EQ(generation.Restore(held[0]), std::nullopt);
  EXPECT_EQ(generation.decided_through(), 9);
  generation.Connect(1, Hello("q", 9), kStart);
  EXPECT_EQ(std::get<ReportAnswered>(generation.Report(1, Losses(8), kStart)).decision->step, 8);
}

// Rank 0 reports step 8 again while only step 9 was brought back: rank 1 may hold the decision.
TEST(GenerationRestart, AStepThatMayComeBackIsNotAnsweredBefore) {
  Generation before = Joined(Spec(1));
  const StepDecision older = *ClosedBy(before.Report(0, Losses(8), kStart)).at(0).decision;
  const StepDecision newer = *ClosedBy(before.Report(0, Losses(9), kStart)).at(0).decision;
  Generation generation(Spec(2), {.decided_through = 7}, /*clean_stop=*/false, kStart);
  EXPECT_THAT(generation.Restore(newer), Optional(IsEmpty()));
  generation.Connect(0, Hello("p", 9), kStart);
  const ReportResult waiting = generation.Report(0, Losses(8), kStart);
  ASSERT_TRUE(std::holds_alternative<ReportTaken>(waiting));
  EXPECT_THAT(ClosedBy(waiting), IsEmpty());
  EXPECT_THAT(generation.Restore(older), Optional(ElementsAre(0)));
  EXPECT_EQ(generation.decided_through(), 9);
}

TEST(GenerationRestart, WhatWasRestoredCountsForTheCooldown) {
  GenerationSpec spec = Spec(1);
  spec.settings.guards.cooldown_steps = 5;
  Generation before = Joined(spec);
  const StepDecision held = *ClosedBy(before.Report(0, Losses(8), kStart)).at(0).decision;
  Generation generation(spec, {.decided_through = 7}, /*clean_stop=*/false, kStart);
  generation.Restore(held);
  generation.Connect(0, Hello("p", /*highest_step=*/8), kStart);
  EXPECT_EQ(ClosedBy(generation.Report(0, Losses(9), kStart)).at(0).decision->reason.code,
            ReasonCode::kCooldown);
}

// Another rank may bring the decision that this one has not seen.
TEST(GenerationRestart, AfterACrashStepsWaitForEveryMember) {
  Generation generation(Spec(2), {.decided_through = 7}, /*clean_stop=*/false, kStart);
  generation.Connect(0, Hello("p", 8), kStart);
  EXPECT_THAT(ClosedBy(generation.Report(0, Losses(8), kStart)), IsEmpty());
  const auto closed = generation.Connect(1, Hello("q", 7), kStart + absl::Seconds(1)).closed;
  ASSERT_EQ(Steps(closed), std::vector<int64_t>({8}));
  EXPECT_EQ(closed[0].decision->reason.code, ReasonCode::kUnknownAfterCrash);
  EXPECT_THAT(closed[0].reporters, ElementsAre(0));
}

TEST(GenerationRestart, AfterTheJoinTimeoutItGoesOnWithoutTheMissing) {
  GenerationSpec spec = Spec(3);
  Generation generation(spec, {.decided_through = 7}, /*clean_stop=*/true, kStart);
  generation.Connect(0, Hello("p", 7), kStart);
  generation.Connect(1, Hello("q", 7), kStart);
  generation.Report(0, Losses(8), kStart);
  EXPECT_THAT(ClosedBy(generation.Report(1, Losses(8), kStart)), IsEmpty());
  EXPECT_EQ(generation.NextDeadline(), kStart + kJoin);
  EXPECT_EQ(Steps(generation.Tick(kStart + kJoin).closed), std::vector<int64_t>({8}));
}

// A step that one rank has reported again is decided by what the next one brings back.
TEST(GenerationRestart, WhatIsRestoredDoesNotCloseAgain) {
  Generation before = Joined(Spec(2));
  before.Report(0, Losses(0), kStart);
  const StepDecision held = *ClosedBy(before.Report(1, Losses(0), kStart)).at(0).decision;
  Generation generation(Spec(2), {.decided_through = -1}, /*clean_stop=*/false, kStart);
  generation.Connect(0, Hello("p", 0), kStart);
  EXPECT_THAT(ClosedBy(generation.Report(0, Losses(0), kStart)), IsEmpty());
  EXPECT_THAT(generation.Restore(held), Optional(ElementsAre(0)));
  EXPECT_THAT(generation.Connect(1, Hello("q", 0), kStart).closed, IsEmpty());
}

// A rank that is back and has not reported yet is waited for like any other.
TEST(GenerationRestart, AfterTheJoinTimeoutItWaitsForWhoeverIsBack) {
  Generation generation(Spec(3), {.decided_through = 7}, /*clean_stop=*/true, kStart);
  generation.Connect(0, Hello("p", 7), kStart);
  generation.Connect(1, Hello("q", 7), kStart);
  generation.Report(0, Losses(8), kStart);
  EXPECT_THAT(generation.Tick(kStart + kJoin).closed, IsEmpty());
  EXPECT_EQ(Steps(ClosedBy(generation.Report(1, Losses(8), kStart + kJoin))),
            std::vector<int64_t>({8}));
}

TEST(GenerationRestart, LagWidensWhatIsUnknown) {
  GenerationSpec spec = Spec(1);
  spec.settings.lag = 2;
  Generation generation(spec, {.decided_through = 7}, /*clean_stop=*/false, kStart);
  generation.Connect(0, Hello("p", 8), kStart);
  EXPECT_EQ(generation.decided_through(), 10);
}

// --- Reports of several ranks in one sum. ---

std::vector<ReportingRank> Ranks(std::vector<uint32_t> numbers, uint64_t digest = 1) {
  std::vector<ReportingRank> ranks;
  for (const uint32_t rank : numbers) {
    ranks.push_back({.rank = rank, .digest = digest});
  }
  return ranks;
}

TEST(Generation, ASumCountsForAllOfItsRanks) {
  Generation generation = Joined(Spec(3));
  EXPECT_THAT(ClosedBy(generation.ReportTogether(Ranks({0, 2}), Losses(0, {1, 2}), kStart)),
              IsEmpty());
  const auto closed = ClosedBy(generation.Report(1, Losses(0, {3}), kStart));
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_THAT(closed[0].reporters, ElementsAre(0, 2, 1));
  EXPECT_EQ(closed[0].decision->reports, 3u);
  EXPECT_EQ(closed[0].decision->observation.temperature.count, 3u);
}

TEST(Generation, ASumSentAgainCountsOnce) {
  Generation generation = Joined(Spec(3));
  generation.ReportTogether(Ranks({0, 2}), Losses(0), kStart);
  EXPECT_THAT(ClosedBy(generation.ReportTogether(Ranks({2}), Losses(0), kStart)), IsEmpty());
  const auto closed = ClosedBy(generation.Report(1, Losses(0), kStart));
  EXPECT_EQ(closed.at(0).decision->observation.temperature.count, 4u);
}

TEST(Generation, ASumOfCountedAndOtherRanksIsRefused) {
  Generation generation = Joined(Spec(3));
  generation.ReportTogether(Ranks({0}), Losses(0), kStart);
  const auto refused =
      std::get<ReportRefused>(generation.ReportTogether(Ranks({0, 2}), Losses(0), kStart));
  EXPECT_EQ(refused.code, RefusalCode::kInvalid);
  EXPECT_THAT(refused.message, HasSubstr("for 2 ranks, of which 1 have reported it before"));
  generation.ReportTogether(Ranks({1, 2}), Losses(0), kStart);
  EXPECT_EQ(generation.decided_through(), 0);
}

TEST(Generation, OneConflictRefusesASum) {
  Generation generation = Joined(Spec(3));
  generation.ReportTogether(Ranks({0, 2}), Losses(0), kStart);
  std::vector<ReportingRank> ranks = Ranks({0, 2});
  ranks[1].digest = 7;
  const auto refused = std::get<ReportRefused>(generation.ReportTogether(ranks, Losses(0), kStart));
  EXPECT_EQ(refused.code, RefusalCode::kConflict);
  EXPECT_THAT(refused.message, HasSubstr("rank 2"));
}

TEST(Generation, ALateSumIsAnsweredForAllOfItsRanks) {
  Generation generation = Joined(Spec(3));
  generation.Report(0, Losses(0), kStart);
  generation.ReportTogether(Ranks({1, 2}), Losses(0), kStart);
  const auto again =
      std::get<ReportAnswered>(generation.ReportTogether(Ranks({1, 2}), Losses(0), kStart));
  EXPECT_EQ(again.decision->step, 0);
  EXPECT_FALSE(again.conflict);
  EXPECT_FALSE(again.late);
}

}  // namespace
}  // namespace lehr
