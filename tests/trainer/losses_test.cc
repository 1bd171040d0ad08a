#include "trainer/losses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::FloatNear;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> LossesOf(Loss loss, const std::vector<float>& outputs,
                            const std::vector<int32_t>& labels) {
  std::vector<float> losses(labels.size());
  ComputeLosses(loss, outputs, labels, absl::MakeSpan(losses));
  return losses;
}

std::vector<float> GradientOf(Loss loss, const std::vector<float>& outputs,
                              const std::vector<int32_t>& labels) {
  std::vector<float> gradient(outputs.size());
  std::vector<float> losses(labels.size());
  ComputeLosses(loss, outputs, labels, absl::MakeSpan(losses), absl::MakeSpan(gradient));
  return gradient;
}

TEST(OutputsFor, TwoClassesNeedOneOutputButForSoftmax) {
  EXPECT_EQ(OutputsFor(Loss::kSoftmaxCrossEntropy, 2), 2);
  EXPECT_EQ(OutputsFor(Loss::kBinaryCrossEntropy, 2), 1);
  EXPECT_EQ(OutputsFor(Loss::kMeanSquaredError, 2), 1);
  EXPECT_EQ(OutputsFor(Loss::kBinaryCrossEntropy, 3), 3);
}

// softmax(ln 1, ln 2, ln 5) = 1/8, 2/8, 5/8
TEST(SoftmaxCrossEntropy, ByHand) {
  const std::vector<float> outputs = {0, std::log(2.0F), std::log(5.0F)};
  EXPECT_THAT(LossesOf(Loss::kSoftmaxCrossEntropy, outputs, {1}),
              ElementsAre(FloatEq(std::log(4.0F))));
  EXPECT_THAT(GradientOf(Loss::kSoftmaxCrossEntropy, outputs, {1}),
              ElementsAre(FloatEq(0.125), FloatEq(-0.75), FloatEq(0.625)));
}

// A share of a batch of four has a quarter of each gradient.
TEST(SoftmaxCrossEntropy, OfAShareOfABatch) {
  const std::vector<float> outputs = {0, std::log(2.0F), std::log(5.0F)};
  const std::vector<int32_t> labels = {1};
  std::vector<float> losses(1);
  std::vector<float> gradient(3);
  ComputeLosses(Loss::kSoftmaxCrossEntropy, outputs, labels, absl::MakeSpan(losses),
                absl::MakeSpan(gradient), /*batch_size=*/4);
  EXPECT_THAT(losses, ElementsAre(FloatEq(std::log(4.0F))));
  EXPECT_THAT(gradient, ElementsAre(FloatEq(0.125 / 4), FloatEq(-0.75 / 4), FloatEq(0.625 / 4)));
}

TEST(SoftmaxCrossEntropy, StaysFiniteForGreatOutputs) {
  EXPECT_THAT(LossesOf(Loss::kSoftmaxCrossEntropy, {1e30F, -1e30F, 0, 1000}, {0, 0}),
              ElementsAre(0, FloatEq(1000)));
  EXPECT_THAT(GradientOf(Loss::kSoftmaxCrossEntropy, {-3e38F, 3e38F}, {0}), ElementsAre(-1, 1));
}

// Only differences count: as for (0, −8, −9).
TEST(SoftmaxCrossEntropy, KeepsItsDigitsForGreatOutputs) {
  EXPECT_THAT(LossesOf(Loss::kSoftmaxCrossEntropy, {4096, 4088, 4087}, {0}),
              ElementsAre(FloatEq(std::log(1.0F + std::exp(-8.0F) + std::exp(-9.0F)))));
}

// s(ln 3) = 3/4
TEST(BinaryCrossEntropy, ByHand) {
  const std::vector<float> outputs = {std::log(3.0F), std::log(3.0F)};
  EXPECT_THAT(LossesOf(Loss::kBinaryCrossEntropy, outputs, {1, 0}),
              ElementsAre(FloatEq(std::log(4.0F / 3.0F)), FloatEq(std::log(4.0F))));
  EXPECT_THAT(GradientOf(Loss::kBinaryCrossEntropy, outputs, {1, 0}),
              ElementsAre(FloatEq(-0.125), FloatEq(0.375)));
}

TEST(BinaryCrossEntropy, StaysFiniteForGreatOutputs) {
  EXPECT_THAT(LossesOf(Loss::kBinaryCrossEntropy, {200, 200, -200, -200}, {1, 0, 1, 0}),
              ElementsAre(FloatNear(0, 1e-30F), 200, 200, FloatNear(0, 1e-30F)));
  EXPECT_THAT(GradientOf(Loss::kBinaryCrossEntropy, {200, -200}, {0, 1}), ElementsAre(0.5, -0.5));
}

// A class of its own for each output: the mean over the outputs of both formulas.
TEST(BinaryCrossEntropy, IsTheMeanOverSeveralOutputs) {
  EXPECT_THAT(LossesOf(Loss::kBinaryCrossEntropy, {std::log(3.0F), 0, 0}, {0}),
              ElementsAre(FloatEq((std::log(4.0F / 3.0F) + 2 * std::log(2.0F)) / 3)));
}

TEST(MeanSquaredError, ByHand) {
  EXPECT_THAT(LossesOf(Loss::kMeanSquaredError, {0.5, -1}, {1, 0}), ElementsAre(0.25, 1));
  EXPECT_THAT(GradientOf(Loss::kMeanSquaredError, {0.5, -1}, {1, 0}), ElementsAre(-0.5, -1));
}

TEST(MeanSquaredError, IsTheMeanOverSeveralOutputs) {
  EXPECT_THAT(LossesOf(Loss::kMeanSquaredError, {1, 3, 0, 0}, {0, 1}), ElementsAre(4.5, 0.5));
  EXPECT_THAT(GradientOf(Loss::kMeanSquaredError, {1, 3}, {0}), ElementsAre(0, 3));
}

// The training loop has to see it.
TEST(Losses, ANotANumberOutputGivesANotANumberLoss) {
  for (const Loss loss :
       {Loss::kSoftmaxCrossEntropy, Loss::kBinaryCrossEntropy, Loss::kMeanSquaredError}) {
    EXPECT_TRUE(std::isnan(LossesOf(loss, {NAN, 0}, {0})[0]));
    EXPECT_TRUE(std::isnan(LossesOf(loss, {0, NAN}, {0})[0]));
    EXPECT_FALSE(std::isfinite(LossesOf(loss, {0, kInfinity}, {0})[0]));
  }
}

TEST(CountCorrect, TakesTheHighestOutput) {
  EXPECT_EQ(CountCorrect(Loss::kSoftmaxCrossEntropy, {1, 2, 0, 5, -1, -2}, {1, 0, 0}), 2);
}

TEST(CountCorrect, OneOutputIsComparedWithItsThreshold) {
  EXPECT_EQ(CountCorrect(Loss::kBinaryCrossEntropy, {0.1F, -0.1F}, {1, 0}), 2);
  EXPECT_EQ(CountCorrect(Loss::kMeanSquaredError, {0.4F, 0.6F, 0.1F}, {0, 1, 1}), 2);
}

// A network whose units are all dead outputs 0.5 everywhere at best: half of XOR.
TEST(CountCorrect, TheThresholdItselfIsClassZero) {
  EXPECT_EQ(CountCorrect(Loss::kMeanSquaredError, {0.5, 0.5}, {0, 1}), 1);
}

}  // namespace
}  // namespace lehr
