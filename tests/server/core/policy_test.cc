#include "server/core/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace lehr {
namespace {

using ::testing::HasSubstr;

Observation Observed(double temperature, double unsquared_imbalance) {
  Observation observation;
  observation.temperature.count = 4;
  observation.temperature.temperature = temperature;
  observation.temperature.unsquared_imbalance = unsquared_imbalance;
  return observation;
}

Proposal Propose(const Policy& policy, const Observation& observation) {
  PolicyState state;
  return Propose(policy, state, observation, PolicyContext());
}

Policy ErrorDriven(double base_noise_level, double min_imbalance = 0) {
  return {.rule = ErrorDrivenPolicy{base_noise_level, min_imbalance}};
}

TEST(ErrorDriven, NoiseIsBaseLevelTimesTemperature) {
  const Proposal proposal = Propose(ErrorDriven(0.25), Observed(3.0, 0.5));
  ASSERT_EQ(proposal.actions.size(), 1u);
  EXPECT_EQ(std::get<PerturbAction>(proposal.actions[0]).stddev, 0.75f);
  EXPECT_EQ(std::get<PerturbAction>(proposal.actions[0]).scale, ActionScale::kAbsolute);
  EXPECT_EQ(std::get<PerturbAction>(proposal.actions[0]).shrink, 1.0f);
  EXPECT_EQ(proposal.reason.code, ReasonCode::kActed);
  EXPECT_EQ(proposal.reason.value, 0.75);
}

TEST(ErrorDriven, ThePapersSigmaIsTheDefault) {
  const Proposal proposal = Propose(Policy(), Observed(3.0, 0.5));
  EXPECT_EQ(std::get<PerturbAction>(proposal.actions.at(0)).stddev, 3.0f);
}

TEST(ErrorDriven, NothingToDoAtTemperatureZero) {
  const Proposal proposal = Propose(ErrorDriven(1), Observed(0, 0));
  EXPECT_TRUE(proposal.actions.empty());
  EXPECT_EQ(proposal.reason.code, ReasonCode::kZeroStddev);
}

TEST(ErrorDriven, NoNoiseAtOrBelowMinImbalance) {
  const Proposal proposal = Propose(ErrorDriven(1, 0.1), Observed(3.0, 0.1));
  EXPECT_TRUE(proposal.actions.empty());
  EXPECT_EQ(proposal.reason.code, ReasonCode::kBalanced);
  EXPECT_EQ(proposal.reason.value, 0.1);
  EXPECT_EQ(proposal.reason.limit, 0.1);
}

TEST(ErrorDriven, NoiseJustAboveMinImbalance) {
  EXPECT_EQ(Propose(ErrorDriven(1, 0.1), Observed(3.0, 0.1000001)).actions.size(), 1u);
}

// A temperature may be a double that no binary32 holds; the wire carries binary32.
TEST(ErrorDriven, RefusesNoiseBeyondBinary32) {
  const Proposal proposal = Propose(ErrorDriven(1), Observed(1e39, 0.5));
  EXPECT_TRUE(proposal.actions.empty());
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStddevNotFinite);
  EXPECT_EQ(proposal.reason.value, 1e39);
}

TEST(ErrorDriven, NoiseThatUnderflowsIsNone) {
  const Proposal proposal = Propose(ErrorDriven(1e-40), Observed(1e-10, 0.5));
  EXPECT_TRUE(proposal.actions.empty());
  EXPECT_EQ(proposal.reason.code, ReasonCode::kZeroStddev);
}

TEST(ErrorDriven, SaysHowManyLossesWereLeftOutWhenNoneIsUsable) {
  Observation nothing;
  nothing.excluded.nan = 3;
  nothing.excluded.negative = 2;
  const Proposal proposal = Propose(ErrorDriven(1), nothing);
  EXPECT_EQ(proposal.reason.code, ReasonCode::kNoLosses);
  EXPECT_EQ(proposal.reason.value, 5);
}

TEST(CheckPolicy, NamesTheValueThatIsOutOfBounds) {
  EXPECT_TRUE(CheckPolicy(ErrorDriven(0)).ok());
  EXPECT_THAT(std::string(CheckPolicy(ErrorDriven(-0.5)).message()), HasSubstr("-0.5"));
  EXPECT_THAT(std::string(CheckPolicy(ErrorDriven(1, 1.5)).message()), HasSubstr("1.5"));
  EXPECT_FALSE(CheckPolicy(ErrorDriven(std::numeric_limits<double>::infinity())).ok());
  EXPECT_FALSE(CheckPolicy(ErrorDriven(1, std::numeric_limits<double>::quiet_NaN())).ok());
  EXPECT_TRUE(CheckPolicy({.rule = ReheatPolicy{.planned_steps = 1000}}).ok());
  EXPECT_THAT(std::string(CheckPolicy({.rule = ReheatPolicy{.planned_steps = -3}}).message()),
              HasSubstr("-3"));
}

TEST(PolicyName, TellsTheShadow) {
  EXPECT_EQ(PolicyName(Policy()), "error_driven");
  EXPECT_EQ(PolicyName(Policy{.observe = true}), "observe:error_driven");
  EXPECT_EQ(PolicyName(Policy{.rule = ReheatPolicy()}), "reheat");
}

TEST(Policy, AnotherRulesStateIsBegunAnew) {
  Observation observation = Observed(1, 0.5);
  observation.temperature.mean = 2;
  observation.temperature.root_mean_square = 2;
  PolicyState state;
  Propose({.rule = ReheatPolicy()}, state, observation, PolicyContext());
  ASSERT_TRUE(std::holds_alternative<ReheatState>(state));
  EXPECT_EQ(std::get<ReheatState>(state).first_mean, 2);
  Propose(ErrorDriven(1), state, observation, PolicyContext());
  EXPECT_TRUE(std::holds_alternative<std::monostate>(state));
}

}  // namespace
}  // namespace lehr
