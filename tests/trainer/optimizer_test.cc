#include "trainer/optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <vector>

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::IsEmpty;

// Two tensors of one value each, with gradients that a test sets.
struct Fixture {
  std::vector<float> values = {1, 2};
  std::vector<float> gradients = {0, 0};
  std::vector<ModelTensor> tensors = {
      {"a", {1}, 1, 1, absl::MakeSpan(&values[0], 1), absl::MakeConstSpan(&gradients[0], 1)},
      {"b", {1}, 1, 1, absl::MakeSpan(&values[1], 1), absl::MakeConstSpan(&gradients[1], 1)},
  };
};

TEST(Sgd, MovesAgainstTheGradient) {
  Fixture f;
  Optimizer optimizer({.learning_rate = 0.5}, f.tensors);
  f.gradients = {2, -4};
  optimizer.Step();
  EXPECT_THAT(f.values, ElementsAre(0, 4));
}

// v = 1, then 0.5·1 + 1 = 1.5, then 0.5·1.5 + 0 = 0.75.
TEST(Sgd, MomentumAddsUp) {
  Fixture f;
  Optimizer optimizer({.learning_rate = 1, .momentum = 0.5}, f.tensors);
  f.gradients = {1, 0};
  optimizer.Step();
  EXPECT_EQ(f.values[0], 0);
  optimizer.Step();
  EXPECT_EQ(f.values[0], -1.5);
  f.gradients = {0, 0};
  optimizer.Step();
  EXPECT_EQ(f.values[0], -2.25);
}

// With the bias corrected, the first step is the learning rate, whatever the gradient's size.
TEST(Adam, TheFirstStepIsTheLearningRate) {
  Fixture f;
  Optimizer optimizer({.kind = OptimizerKind::kAdam, .learning_rate = 0.25}, f.tensors);
  f.gradients = {1e-3F, -1e3F};
  optimizer.Step();
  EXPECT_THAT(f.values, ElementsAre(FloatNear(0.75, 1e-5F), FloatNear(2.25, 1e-5F)));
}

// By hand, β1 = β2 = 0.5, gradients 1 and 3:  m = 0.5·0.5 + 0.5·3 = 1.75, v = 0.5·0.5 + 0.5·9
// = 4.75, both over 1 − 0.25, so that the step is 2.3333 / √6.3333 = 0.92718.
TEST(Adam, TheSecondStepByHand) {
  Fixture f;
  Optimizer optimizer(
      {.kind = OptimizerKind::kAdam, .learning_rate = 1, .beta1 = 0.5, .beta2 = 0.5}, f.tensors);
  f.gradients = {1, 0};
  optimizer.Step();
  f.gradients = {3, 0};
  optimizer.Step();
  EXPECT_NEAR(f.values[0], 1 - 1 - 0.92718, 1e-5);
}

TEST(Sgd, TheFactorScalesTheLearningRateOfTheSettings) {
  Fixture f;
  Optimizer optimizer({.learning_rate = 0.5}, f.tensors);
  f.gradients = {1, 0};
  optimizer.ScaleLearningRate(0.5F);
  optimizer.Step();
  EXPECT_EQ(f.values[0], 0.75F);
  // In place of the factor before it.
  optimizer.ScaleLearningRate(0.25F);
  optimizer.Step();
  EXPECT_EQ(f.values[0], 0.625F);
  optimizer.ScaleLearningRate(1);
  optimizer.Step();
  EXPECT_EQ(f.values[0], 0.125F);
}

// 0.05 times the binary32 number next to 0.1 is 0.0050000000745…, next to which is the binary32
// number 0x3ba3d70a. Had 0.05 been rounded first, it would be 0x3ba3d70b.
TEST(Sgd, TheLearningRateIsScaledBeforeItIsRounded) {
  Fixture f;
  Optimizer optimizer({.learning_rate = 0.05}, f.tensors);
  f.values = {0, 0};
  f.gradients = {-1, 0};
  optimizer.ScaleLearningRate(0.1F);
  optimizer.Step();
  EXPECT_EQ(std::bit_cast<uint32_t>(f.values[0]), 0x3ba3d70au);
}

TEST(Adam, TheFactorScalesTheLearningRateAndNoMoment) {
  Fixture f;
  Optimizer optimizer({.kind = OptimizerKind::kAdam, .learning_rate = 0.25}, f.tensors);
  f.gradients = {1, -1e3F};
  optimizer.ScaleLearningRate(0.5F);
  optimizer.Step();
  EXPECT_THAT(f.values, ElementsAre(FloatNear(0.875, 1e-5F), FloatNear(2.125, 1e-5F)));
  EXPECT_THAT(optimizer.states()[0].first_moment, ElementsAre(FloatNear(0.1F, 1e-6F)));
}

// What a snapshot or a reset brings back is the state alone.
TEST(Optimizer, AResetKeepsTheFactorOfTheLearningRate) {
  Fixture f;
  Optimizer optimizer({.learning_rate = 0.5}, f.tensors);
  f.gradients = {1, 0};
  optimizer.ScaleLearningRate(0.5F);
  optimizer.Reset(0);
  optimizer.Step();
  EXPECT_EQ(f.values[0], 0.75F);
}

TEST(Optimizer, StateBeginsAtZero) {
  Fixture f;
  const Optimizer sgd({}, f.tensors);
  EXPECT_THAT(sgd.states()[0].first_moment, ElementsAre(0));
  EXPECT_THAT(sgd.states()[0].second_moment, IsEmpty());
  const Optimizer adam({.kind = OptimizerKind::kAdam}, f.tensors);
  EXPECT_THAT(adam.states()[1].first_moment, ElementsAre(0));
  EXPECT_THAT(adam.states()[1].second_moment, ElementsAre(0));
}

// The other tensor's state, Adam's step count included, stays.
TEST(Optimizer, ResetMakesOneTensorsNextStepAFirstStep) {
  Fixture f;
  Fixture fresh;
  const OptimizerSettings settings = {.kind = OptimizerKind::kAdam, .learning_rate = 0.1};
  Optimizer optimizer(settings, f.tensors);
  Optimizer untouched(settings, fresh.tensors);
  f.gradients = {5, 5};
  fresh.gradients = {5, 5};
  for (int i = 0; i < 3; ++i) {
    optimizer.Step();
    untouched.Step();
  }
  optimizer.Reset(0);
  f.gradients = {-1, -1};
  fresh.gradients = {-1, -1};
  const float before = f.values[0];
  optimizer.Step();
  untouched.Step();
  EXPECT_NEAR(f.values[0], before + 0.1, 1e-6);
  EXPECT_EQ(f.values[1], fresh.values[1]);
  EXPECT_NE(f.values[0], fresh.values[0]);
}

}  // namespace
}  // namespace lehr
