// Generations after a restart of the supervisor.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/core/generation_fixture.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

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

}  // namespace
}  // namespace lehr
