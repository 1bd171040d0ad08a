#include "client/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::Decision FullDecision() {
  v1::Decision decision;
  decision.set_generation(3);
  decision.set_step(41);
  decision.set_apply_step(44);
  decision.set_epoch(9);
  decision.set_durable_through(40);
  v1::Perturbation& perturb = *decision.add_actions()->mutable_perturb();
  perturb.set_id(0xfedc'ba98'7654'3210);
  perturb.set_seed(77);
  perturb.set_stddev(0.125f);
  perturb.set_scale(v1::NOISE_SCALE_RELATIVE);
  perturb.set_shrink(0.5f);
  perturb.set_optimizer_state(v1::OPTIMIZER_STATE_RESET);
  perturb.set_tensor_selector("*.weight");
  perturb.set_noise_spec("some/v1");
  return decision;
}

TEST(Wire, ADecisionKeepsItsKeyAndItsActions) {
  const HeldDecision held = ToHeldDecision(FullDecision());
  EXPECT_EQ(held.generation, 3);
  EXPECT_EQ(held.step, 41);
  EXPECT_EQ(held.apply_step, 44);
  EXPECT_EQ(held.epoch, 9);
  EXPECT_EQ(held.durable_through, 40);
  EXPECT_EQ(held.unusable, "");
  EXPECT_TRUE(held.commands());
  ASSERT_EQ(held.actions.size(), 1);
  const auto& perturbation = std::get<Perturbation>(held.actions[0]);
  EXPECT_EQ(perturbation.id, 0xfedc'ba98'7654'3210);
  EXPECT_EQ(perturbation.seed, 77);
  EXPECT_EQ(perturbation.stddev, 0.125f);
  EXPECT_EQ(perturbation.scale, NoiseScale::kRelative);
  EXPECT_EQ(perturbation.shrink, 0.5f);
  EXPECT_EQ(perturbation.optimizer_state, OptimizerStateAction::kReset);
  EXPECT_EQ(perturbation.tensor_selector, "*.weight");
  EXPECT_EQ(perturbation.noise_spec, "some/v1");
}

// The default of the field is 0; that of the contract is 1.
TEST(Wire, AnUnsetShrinkIsOne) {
  v1::Decision decision = FullDecision();
  decision.mutable_actions(0)->mutable_perturb()->clear_shrink();
  EXPECT_EQ(std::get<Perturbation>(ToHeldDecision(decision).actions[0]).shrink, 1);
  decision.mutable_actions(0)->mutable_perturb()->set_shrink(0);
  EXPECT_EQ(std::get<Perturbation>(ToHeldDecision(decision).actions[0]).shrink, 0);
}

TEST(Wire, SnapshotsAndRestoresKeepTheirIds) {
  v1::Decision decision;
  decision.add_actions()->mutable_restore()->set_id(7);
  decision.add_actions()->mutable_snapshot()->set_id(8);
  const HeldDecision held = ToHeldDecision(decision);
  EXPECT_EQ(held.unusable, "");
  ASSERT_EQ(held.actions.size(), 2);
  EXPECT_EQ(std::get<RestoreSnapshot>(held.actions[0]).id, 7);
  EXPECT_EQ(std::get<TakeSnapshot>(held.actions[1]).id, 8);
}

TEST(Wire, IdentityAndLearningRateAreUnderstood) {
  v1::Decision decision;
  decision.add_actions()->mutable_identity();
  decision.add_actions()->mutable_learning_rate()->set_factor(0.1f);
  const HeldDecision held = ToHeldDecision(decision);
  EXPECT_EQ(held.unusable, "");
  ASSERT_EQ(held.actions.size(), 2);
  EXPECT_TRUE(std::holds_alternative<SetIdentity>(held.actions[0]));
  EXPECT_EQ(std::get<ScaleLearningRate>(held.actions[1]).factor, 0.1f);
}

TEST(Wire, AFactorOutOfBoundsMakesACommandUnusable) {
  const auto unusable = [](float factor) {
    v1::Decision decision;
    decision.add_actions()->mutable_learning_rate()->set_factor(factor);
    return ToHeldDecision(decision).unusable;
  };
  EXPECT_EQ(unusable(1), "");
  EXPECT_EQ(unusable(1e-45f), "");
  EXPECT_EQ(unusable(0), "the factor of the learning rate is 0; it must be in (0, 1]");
  EXPECT_THAT(unusable(-0.5f), HasSubstr("is -0.5;"));
  EXPECT_THAT(unusable(1.5f), HasSubstr("is 1.5;"));
  EXPECT_THAT(unusable(std::numeric_limits<float>::quiet_NaN()), HasSubstr("is nan;"));
}

TEST(Wire, WhatIsNotKnownMakesACommandUnusableButStaysACommand) {
  v1::Decision decision = FullDecision();
  decision.add_actions();
  const HeldDecision held = ToHeldDecision(decision);
  EXPECT_THAT(held.unusable, HasSubstr("action"));
  EXPECT_TRUE(held.commands());
}

// A newer supervisor's fields must come back to it.
TEST(Wire, AHeldDecisionIsBroughtBackByteForByte) {
  v1::Decision decision = FullDecision();
  decision.GetReflection()->MutableUnknownFields(&decision)->AddVarint(999, 7);
  v1::Join join;
  AddJoinFacts({.generation = 3, .held = {ToHeldDecision(decision).record}}, join);
  ASSERT_EQ(join.held_size(), 1);
  EXPECT_EQ(join.held(0).SerializeAsString(), decision.SerializeAsString());
}

TEST(Wire, JoinFactsAreCopied) {
  v1::Join join;
  AddJoinFacts({.generation = 3, .highest_epoch = 9, .highest_step = 0, .resume_step = 5}, join);
  EXPECT_EQ(join.generation(), 3);
  EXPECT_EQ(join.highest_epoch(), 9);
  EXPECT_TRUE(join.has_highest_step());
  EXPECT_EQ(join.resume_step(), 5);
}

// Another state than the checkpoint's needs another memory.
TEST(Wire, AJobThatTrainedOnAloneResumesFromNoCheckpoint) {
  v1::Join join;
  join.set_resume_step(5);
  join.set_resume_generation(2);
  AddJoinFacts({.resume_step = 5}, join);
  EXPECT_EQ(join.resume_generation(), 2);
  AddJoinFacts({.resume_step = 6}, join);
  EXPECT_TRUE(join.has_resume_generation());
  EXPECT_EQ(join.resume_generation(), 0);
}

TEST(Wire, NoHighestStepIsUnset) {
  v1::Join join;
  AddJoinFacts({.highest_step = -1}, join);
  EXPECT_FALSE(join.has_highest_step());
}

TEST(Wire, WelcomeFactsAreCopied) {
  v1::Welcome welcome;
  welcome.set_generation(3);
  welcome.set_epoch(9);
  welcome.mutable_settings()->set_lag(2);
  welcome.set_next_step(42);
  welcome.set_durable_through(40);
  const WelcomeFacts facts = ToWelcomeFacts(welcome);
  EXPECT_EQ(facts.generation, 3);
  EXPECT_EQ(facts.epoch, 9);
  EXPECT_EQ(facts.lag, 2);
  EXPECT_EQ(facts.next_step, 42);
  EXPECT_EQ(facts.durable_through, 40);
}

TEST(Wire, TheOutcomeAndTheDigestRideOnTheLastPiece) {
  RankReport report = {.step = 1, .losses = std::vector<float>(kPieceLosses + 1, 2)};
  report.outcome = {.step = 0,
                    .result = CommandOutcome::Result::kExpired,
                    .detail = "late",
                    .perturbed = 3,
                    .non_finite = 4,
                    .unchanged = 2};
  report.parameter_digest = 55;
  report.snapshots = {7, 8};
  v1::Report piece;
  const size_t next = FillPiece(report, 0, piece);
  EXPECT_FALSE(piece.has_outcome());
  EXPECT_FALSE(piece.has_parameter_digest());
  EXPECT_EQ(FillPiece(report, next, piece), report.losses.size());
  EXPECT_EQ(piece.outcome().result(), v1::CommandOutcome::RESULT_EXPIRED);
  EXPECT_EQ(piece.outcome().detail(), "late");
  EXPECT_EQ(piece.outcome().perturbed(), 3);
  EXPECT_EQ(piece.outcome().non_finite(), 4);
  EXPECT_EQ(piece.outcome().unchanged(), 2);
  EXPECT_EQ(piece.parameter_digest(), 55);
  EXPECT_THAT(piece.snapshots(), ElementsAre(7, 8));
}

// The message is reused from piece to piece and from report to report.
TEST(Wire, APieceHasNothingOfThePieceBefore) {
  v1::Report piece;
  RankReport first = {.step = 1, .losses = {1, 2}, .example_ids = {3, 4}};
  first.outcome = CommandOutcome{.step = 0};
  first.parameter_digest = 1;
  FillPiece(first, 0, piece);
  FillPiece({.step = 2, .losses = {5}}, 0, piece);
  EXPECT_EQ(piece.step(), 2);
  EXPECT_THAT(piece.losses(), ElementsAre(5));
  EXPECT_EQ(piece.example_ids_size(), 0);
  EXPECT_FALSE(piece.has_outcome());
  EXPECT_FALSE(piece.has_parameter_digest());
}

TEST(Wire, ALongDetailIsCutToItsBound) {
  RankReport report = {.step = 1};
  report.outcome = CommandOutcome{.detail = std::string(300, 'x')};
  v1::Report piece;
  FillPiece(report, 0, piece);
  EXPECT_EQ(piece.outcome().detail().size(), 256);
}

TEST(Wire, APauseLastsFromNow) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  const v1::SuperviseRequest request =
      ToRequest({.reason = std::string(70, 'r'), .until = now + absl::Milliseconds(2500)}, now);
  EXPECT_EQ(request.pause().reason().size(), 64);
  EXPECT_EQ(request.pause().at_most().seconds(), 2);
  EXPECT_EQ(request.pause().at_most().nanos(), 500'000'000);
}

}  // namespace
}  // namespace lehr
