#include "client/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "client/core/command_hash.h"
#include "client/core/noise.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CommandTest : public ::testing::Test {
 protected:
  static Perturbation Action(uint64_t id) {
    return {.id = id, .seed = id, .stddev = 0.5f, .noise_spec = std::string(kNoiseSpec)};
  }
  Command Make(std::vector<CommandAction> actions) {
    return Command({.step = 6, .apply_step = 7, .actions = std::move(actions)}, tensors_, declared_,
                   {.snapshots = snapshots_, .scale_learning_rate = scale_learning_rate_});
  }

  std::vector<float> weights_ = {1, 2, 3};
  std::vector<float> biases_ = {4};
  const std::vector<Tensor> tensors_ = {
      {.name = "module.a.weight", .values = absl::MakeSpan(weights_)},
      {.name = "module.a.bias", .values = absl::MakeSpan(biases_)}};
  DeclaredTensors declared_;
  float factor_ = 1;
  std::function<void(float)> scale_learning_rate_ = [this](float factor) { factor_ = factor; };
  std::vector<float> copy_;
  Snapshots snapshots_{{.capacity = 1,
                        .save =
                            [this](uint64_t) {
                              copy_ = weights_;
                              return true;
                            },
                        .restore = [this](uint64_t) { weights_ = copy_; },
                        .drop = [this](uint64_t) { copy_.clear(); }}};
};

TEST_F(CommandTest, ItsHashIsThatOfItsActions) {
  const std::vector<CommandAction> actions = {Action(1), TakeSnapshot{.id = 2}};
  EXPECT_EQ(Make(actions).hash(), HashActions(actions));
}

TEST_F(CommandTest, AppliesItsActionsInOrder) {
  Perturbation forget = Action(1);
  forget.shrink = 0;
  forget.stddev = 0;
  const AppliedCommand applied = Make({Action(2), forget}).ApplyIf(/*all_agree=*/true);
  EXPECT_EQ(applied.outcome.result, CommandOutcome::Result::kApplied);
  EXPECT_EQ(applied.outcome.step, 6);
  // Each of the four, twice.
  EXPECT_EQ(applied.outcome.perturbed, 8);
  EXPECT_THAT(weights_, ElementsAre(0, 0, 0));
  EXPECT_THAT(biases_, ElementsAre(0));
}

TEST_F(CommandTest, ChangesNothingIfTheRanksDoNotAgree) {
  const AppliedCommand applied = Make({Action(1)}).ApplyIf(/*all_agree=*/false);
  EXPECT_EQ(applied.outcome.result, CommandOutcome::Result::kSkipped);
  EXPECT_EQ(applied.outcome.detail, "the ranks did not agree");
  EXPECT_THAT(weights_, ElementsAre(1, 2, 3));
}

// Ranks that all fail agree on 0.
TEST_F(CommandTest, ChangesNothingIfItCannotBeAppliedEvenWhereAllAgree) {
  Perturbation unknown = Action(2);
  unknown.noise_spec = "v9";
  const Command command = Make({Action(1), unknown});
  EXPECT_EQ(command.hash(), 0);
  EXPECT_EQ(command.ApplyIf(/*all_agree=*/true).outcome.result, CommandOutcome::Result::kSkipped);
  EXPECT_THAT(weights_, ElementsAre(1, 2, 3));
}

TEST_F(CommandTest, CountsWhatIsNotFinite) {
  weights_[1] = std::numeric_limits<float>::quiet_NaN();
  const AppliedCommand applied = Make({Action(1)}).ApplyIf(/*all_agree=*/true);
  EXPECT_EQ(applied.outcome.perturbed, 3);
  EXPECT_EQ(applied.outcome.non_finite, 1);
}

TEST_F(CommandTest, CountsWhatTheFormatIsTooCoarseFor) {
  std::vector<Bfloat16> halves(3, Bfloat16{0x3F80});
  const Tensor tensors[] = {{.name = "w", .values = absl::MakeSpan(halves)}};
  Perturbation action = Action(1);
  action.stddev = 1e-9f;
  const Command command({.actions = {action}}, tensors, {}, {.snapshots = snapshots_});
  const AppliedCommand applied = command.ApplyIf(/*all_agree=*/true);
  EXPECT_EQ(applied.outcome.perturbed, 3);
  EXPECT_EQ(applied.outcome.unchanged, 3);
}

TEST_F(CommandTest, OnlyResettingActionsResetTheTensorsThatTheySelect) {
  Perturbation weights = Action(1);
  weights.tensor_selector = "a.weight";
  weights.optimizer_state = OptimizerStateAction::kReset;
  const AppliedCommand applied = Make({weights, Action(2)}).ApplyIf(/*all_agree=*/true);
  EXPECT_THAT(applied.reset_optimizer_state, ElementsAre(0));
}

TEST_F(CommandTest, ResetsNothingUnlessItIsApplied) {
  Perturbation all = Action(1);
  all.optimizer_state = OptimizerStateAction::kReset;
  EXPECT_THAT(Make({all}).ApplyIf(/*all_agree=*/false).reset_optimizer_state, IsEmpty());
  EXPECT_THAT(Make({all}).ApplyIf(/*all_agree=*/true).reset_optimizer_state, ElementsAre(0, 1));
}

TEST_F(CommandTest, RelativeNoiseNeedsTheReferenceOfEachSelectedTensor) {
  Perturbation relative = Action(1);
  relative.scale = NoiseScale::kRelative;
  declared_["a.weight"].reference_stddev = 0.5f;
  EXPECT_EQ(Make({relative}).hash(), 0);
  relative.tensor_selector = "a.weight";
  EXPECT_NE(Make({relative}).hash(), 0);
}

TEST_F(CommandTest, ARestoreGoesBackBeforeTheNoiseThatFollowsIt) {
  Make({TakeSnapshot{.id = 7}}).ApplyIf(/*all_agree=*/true);
  weights_ = {9, 9, 9};
  Perturbation halve = Action(1);
  halve.shrink = 0.5f;
  halve.stddev = 0;
  const AppliedCommand applied =
      Make({RestoreSnapshot{.id = 7}, halve}).ApplyIf(/*all_agree=*/true);
  EXPECT_EQ(applied.outcome.result, CommandOutcome::Result::kApplied);
  EXPECT_THAT(weights_, ElementsAre(0.5f, 1, 1.5f));
}

TEST_F(CommandTest, NothingIsRestoredUnlessAllAgree) {
  Make({TakeSnapshot{.id = 7}}).ApplyIf(/*all_agree=*/true);
  weights_ = {9, 9, 9};
  Make({RestoreSnapshot{.id = 7}}).ApplyIf(/*all_agree=*/false);
  EXPECT_THAT(weights_, ElementsAre(9, 9, 9));
}

TEST_F(CommandTest, ASnapshotThatIsNotHeldCannotBeRestored) {
  const Command command = Make({RestoreSnapshot{.id = 8}, Action(1)});
  EXPECT_EQ(command.hash(), 0);
  EXPECT_EQ(command.ApplyIf(/*all_agree=*/true).outcome.detail, "snapshot 8 is not held here");
  EXPECT_THAT(weights_, ElementsAre(1, 2, 3));
}

TEST_F(CommandTest, ATrainerWithoutSnapshotsTakesNone) {
  Snapshots none({});
  const Command command({.actions = {TakeSnapshot{.id = 7}}}, tensors_, {}, {.snapshots = none});
  EXPECT_EQ(command.hash(), 0);
}

// The fourth value lies on another rank.
TEST_F(CommandTest, AnIdentityIsOfTheTensorsThatTheOpenerDeclaredSquare) {
  declared_["a.weight"].side = 2;
  const Command command = Make({SetIdentity{}});
  EXPECT_EQ(command.hash(), HashActions({SetIdentity{}}));
  const AppliedCommand applied = command.ApplyIf(/*all_agree=*/true);
  EXPECT_EQ(applied.outcome.result, CommandOutcome::Result::kApplied);
  EXPECT_EQ(applied.outcome.perturbed, 3);
  EXPECT_EQ(applied.outcome.unchanged, 0);
  EXPECT_THAT(applied.reset_optimizer_state, IsEmpty());
  EXPECT_THAT(weights_, ElementsAre(1, 0, 0));
  EXPECT_THAT(biases_, ElementsAre(4));
}

// Each rank must do the same, whatever its trainer says.
TEST_F(CommandTest, ASideThatWasNotDeclaredDoesNotCount) {
  const Tensor tensors[] = {{.name = "a.weight", .values = absl::MakeSpan(weights_), .side = 2}};
  const Command command({.actions = {SetIdentity{}}}, tensors, declared_,
                        {.snapshots = snapshots_});
  EXPECT_NE(command.hash(), 0);
  EXPECT_EQ(command.ApplyIf(/*all_agree=*/true).outcome.perturbed, 0);
  EXPECT_THAT(weights_, ElementsAre(1, 2, 3));
}

TEST_F(CommandTest, ATensorThatIsNotAsDeclaredCannotBeMadeTheIdentity) {
  declared_["a.weight"].side = 2;
  weights_ = {1, 2, 3, 4, 5};
  const Tensor tensors[] = {{.name = "a.weight", .values = absl::MakeSpan(weights_)}};
  const Command command({.actions = {SetIdentity{}}}, tensors, declared_,
                        {.snapshots = snapshots_});
  EXPECT_EQ(command.hash(), 0);
  EXPECT_THAT(command.ApplyIf(/*all_agree=*/true).outcome.detail, HasSubstr("'a.weight'"));
  EXPECT_THAT(weights_, ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(CommandTest, NothingIsScaledOrSetUnlessAllAgree) {
  declared_["a.weight"].side = 2;
  Make({SetIdentity{}, ScaleLearningRate{.factor = 0.5f}}).ApplyIf(/*all_agree=*/false);
  EXPECT_THAT(weights_, ElementsAre(1, 2, 3));
  EXPECT_EQ(factor_, 1);
}

TEST_F(CommandTest, TheNewestFactorOfTheLearningRateCounts) {
  Make({ScaleLearningRate{.factor = 0.5f}}).ApplyIf(/*all_agree=*/true);
  const AppliedCommand applied =
      Make({ScaleLearningRate{.factor = 0.125f}}).ApplyIf(/*all_agree=*/true);
  EXPECT_EQ(applied.outcome.result, CommandOutcome::Result::kApplied);
  EXPECT_EQ(applied.outcome.perturbed, 0);
  EXPECT_EQ(factor_, 0.125f);
}

TEST_F(CommandTest, ATrainerThatCannotScaleItsLearningRateSaysSo) {
  scale_learning_rate_ = nullptr;
  const Command command = Make({Action(1), ScaleLearningRate{.factor = 0.5f}});
  EXPECT_EQ(command.hash(), 0);
  EXPECT_EQ(command.ApplyIf(/*all_agree=*/true).outcome.detail,
            "the trainer cannot scale its learning rate");
  EXPECT_THAT(weights_, ElementsAre(1, 2, 3));
}

}  // namespace
}  // namespace lehr
