#include "server/core/guards.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Proposal Noise(float stddev) {
  PerturbAction perturbation;
  perturbation.stddev = stddev;
  return {.actions = {perturbation}, .reason = {ReasonCode::kActed, stddev}};
}

// What became of noise 1 proposed at `step` when the mean loss was `mean_loss`.
Guarded Propose(const Guards& guards, const GuardState& state, int64_t step, double mean_loss = 1) {
  return ApplyGuards(guards, state, std::nullopt, step, mean_loss, Noise(1));
}

// Which of steps 0 to `steps` - 1 act when each wants to.
std::vector<int64_t> ActingSteps(const Guards& guards, int64_t steps) {
  std::vector<int64_t> acting;
  GuardState state;
  for (int64_t step = 0; step < steps; ++step) {
    Guarded guarded = Propose(guards, state, step);
    state = guarded.state;
    if (!guarded.actions.empty()) {
      acting.push_back(step);
    }
  }
  return acting;
}

TEST(Guards, LetEverythingPassByDefault) {
  EXPECT_THAT(ActingSteps(Guards(), 4), ElementsAre(0, 1, 2, 3));
}

TEST(Guards, CutNoiseToTheGreatestAllowed) {
  const Guarded guarded = Propose({.max_stddev = 0.25}, {}, 0);
  ASSERT_EQ(guarded.actions.size(), 1u);
  EXPECT_EQ(std::get<PerturbAction>(guarded.actions[0]).stddev, 0.25f);
  EXPECT_EQ(guarded.reason.value, 1);
  EXPECT_EQ(guarded.reason.limit, 0.25);
}

TEST(Guards, LeaveSmallerNoiseAlone) {
  const Guarded guarded = Propose({.max_stddev = 2}, {}, 0);
  EXPECT_EQ(std::get<PerturbAction>(guarded.actions.at(0)).stddev, 1.0f);
  EXPECT_EQ(guarded.reason.limit, 0);
}

// Three quiet steps lie between two that act.
TEST(Guards, CooldownKeepsStepsQuiet) {
  EXPECT_THAT(ActingSteps({.cooldown_steps = 3}, 10), ElementsAre(0, 4, 8));
}

TEST(Guards, CooldownGivesItsReasonAndWithholds) {
  const Guards guards = {.cooldown_steps = 3};
  const Guarded first = Propose(guards, {}, 10);
  const Guarded second = Propose(guards, first.state, 12);
  EXPECT_TRUE(second.actions.empty());
  EXPECT_EQ(second.withheld.size(), 1u);
  EXPECT_EQ(second.reason.code, ReasonCode::kCooldown);
  EXPECT_EQ(second.reason.value, 2);
  EXPECT_EQ(second.reason.limit, 3);
}

// At most two in any five consecutive steps.
TEST(Guards, BudgetLimitsActingStepsInItsWindow) {
  EXPECT_THAT(ActingSteps({.budget = 2, .budget_window_steps = 5}, 12),
              ElementsAre(0, 1, 5, 6, 10, 11));
}

TEST(Guards, ASkippedCommandCountsForNothing) {
  const Guards guards = {.cooldown_steps = 100};
  const Guarded first = Propose(guards, {}, 10);
  const GuardState state = ForgetSkipped(first.state, 10);
  EXPECT_EQ(Propose(guards, state, 11).actions.size(), 1u);
}

constexpr Guards kBreaker = {.breaker_factor = 2, .breaker_window_steps = 10};

// The greatest mean before the first noise is 3, so 6 is allowed and more is an explosion.
GuardState PerturbedAfterMeanThree() {
  Guarded quiet = ApplyGuards(kBreaker, {}, std::nullopt, 0, /*mean_loss=*/3, {});
  return Propose(kBreaker, quiet.state, 1, /*mean_loss=*/2).state;
}

TEST(Guards, BreakerOpensWhenTheLossExplodesAfterNoise) {
  const Guarded exploded = Propose(kBreaker, PerturbedAfterMeanThree(), 2, /*mean_loss=*/6.5);
  EXPECT_TRUE(exploded.actions.empty());
  EXPECT_TRUE(exploded.state.breaker_open);
  EXPECT_EQ(exploded.reason.code, ReasonCode::kBreakerOpen);
  EXPECT_EQ(exploded.reason.value, 6.5);
  EXPECT_EQ(exploded.reason.limit, 6);
}

TEST(Guards, BreakerStaysOpenWhenTheLossComesBack) {
  const Guarded exploded = Propose(kBreaker, PerturbedAfterMeanThree(), 2, /*mean_loss=*/6.5);
  EXPECT_TRUE(Propose(kBreaker, exploded.state, 500, /*mean_loss=*/0.1).actions.empty());
}

TEST(Guards, BreakerAllowsALossAtItsLimit) {
  EXPECT_FALSE(Propose(kBreaker, PerturbedAfterMeanThree(), 2, /*mean_loss=*/6).state.breaker_open);
}

// A loss that rises long after the noise is not the noise's doing.
TEST(Guards, BreakerLooksOnlyAtItsWindow) {
  EXPECT_FALSE(
      Propose(kBreaker, PerturbedAfterMeanThree(), 12, /*mean_loss=*/60).state.breaker_open);
}

TEST(Guards, BreakerIgnoresALossThatRisesUnperturbed) {
  Guarded quiet = ApplyGuards(kBreaker, {}, std::nullopt, 0, /*mean_loss=*/1, {});
  quiet = ApplyGuards(kBreaker, quiet.state, std::nullopt, 1, /*mean_loss=*/100, {});
  EXPECT_FALSE(quiet.state.breaker_open);
}

TEST(Guards, AVetoWithholdsAndSpendsNothing) {
  const Guards guards = {.cooldown_steps = 5};
  const Guarded guarded = ApplyGuards(guards, {}, Reason{ReasonCode::kObserveOnly}, 0, 1, Noise(1));
  EXPECT_EQ(guarded.reason.code, ReasonCode::kObserveOnly);
  EXPECT_EQ(guarded.withheld.size(), 1u);
  EXPECT_EQ(Propose(guards, guarded.state, 1).actions.size(), 1u);
}

TEST(Guards, KeepThePolicysReasonWhenItWantsNothing) {
  const Guarded guarded = ApplyGuards({}, {}, Reason{ReasonCode::kObserveOnly}, 0, 1,
                                      {.reason = {ReasonCode::kBalanced, 0.05, 0.1}});
  EXPECT_EQ(guarded.reason.code, ReasonCode::kBalanced);
}

// A snapshot changes nothing that is trained.
TEST(Guards, ASnapshotAloneNeitherCountsNorIsHeldBack) {
  const Guards guards = {.cooldown_steps = 5};
  const Proposal snapshot = {.actions = {SnapshotAction{.id = 7}}, .reason = {ReasonCode::kActed}};
  const Guarded kept = ApplyGuards(guards, {}, std::nullopt, 0, 1, snapshot);
  EXPECT_EQ(kept.actions.size(), 1u);
  const Guarded noise = Propose(guards, kept.state, 1);
  EXPECT_EQ(noise.actions.size(), 1u);
  EXPECT_EQ(ApplyGuards(guards, noise.state, std::nullopt, 2, 1, snapshot).actions.size(), 1u);
  EXPECT_EQ(
      ApplyGuards(guards, {}, Reason{ReasonCode::kObserveOnly}, 2, 1, snapshot).withheld.size(),
      1u);
}

TEST(Guards, ARestoreCountsLikeNoise) {
  const Guards guards = {.cooldown_steps = 5};
  const Proposal restore = {.actions = {RestoreAction{.id = 7}}, .reason = {ReasonCode::kActed}};
  const Guarded restored = ApplyGuards(guards, {}, std::nullopt, 0, 1, restore);
  EXPECT_EQ(restored.actions.size(), 1u);
  EXPECT_EQ(Propose(guards, restored.state, 1).reason.code, ReasonCode::kCooldown);
}

// After a crash, what a rank brings back leaves the guards as they were.
TEST(Guards, ReplayOfADecisionGivesTheStateThatItLeft) {
  const Guards guards = {.budget = 2, .budget_window_steps = 5};
  const Guarded made = Propose(guards, {}, 3, /*mean_loss=*/4);
  StepDecision decision;
  decision.step = 3;
  decision.actions = made.actions;
  decision.observation.temperature.mean = 4;
  EXPECT_EQ(Replay(guards, {}, decision), made.state);
}

TEST(CheckGuards, NamesTheValueThatIsOutOfBounds) {
  const auto message = [](const Guards& guards) {
    return std::string(CheckGuards(guards).message());
  };
  EXPECT_TRUE(CheckGuards(Guards()).ok());
  EXPECT_THAT(message({.max_stddev = 0.0}), HasSubstr("max_stddev is 0"));
  EXPECT_THAT(message({.max_stddev = std::numeric_limits<double>::infinity()}), HasSubstr("inf"));
  EXPECT_THAT(message({.cooldown_steps = 1u << 31}), HasSubstr("2147483648"));
  EXPECT_THAT(message({.budget = 4097, .budget_window_steps = 1}), HasSubstr("4097"));
  EXPECT_THAT(message({.budget = 1}), HasSubstr("budget_window_steps is 0"));
  EXPECT_THAT(message({.breaker_factor = 1, .breaker_window_steps = 1}),
              HasSubstr("breaker_factor is 1"));
  EXPECT_THAT(message({.breaker_factor = 2}), HasSubstr("breaker_window_steps is 0"));
}

}  // namespace
}  // namespace lehr
