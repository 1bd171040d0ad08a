#include "trainer/evaluation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lehr {
namespace {

using ::testing::ElementsAre;

// The network y = x, labels by hand: losses (x − label)².
class EvaluateTest : public ::testing::Test {
 protected:
  EvaluateTest() : model_({.inputs = 1, .hidden = {}, .outputs = 1}, /*max_rows=*/2) {
    model_.tensors()[0].values[0] = 1;
  }

  Mlp model_;
  const Examples examples_ = {{0, 1, 3, 0.25, 2}, {0, 1, 1, 1, 0}};
};

TEST_F(EvaluateTest, GoesThroughAllExamplesInPieces) {
  std::vector<float> losses = {42};
  const Evaluation evaluation = Evaluate(model_, Loss::kMeanSquaredError, examples_, &losses);
  EXPECT_THAT(losses, ElementsAre(0, 0, 4, 0.5625, 4));
  EXPECT_DOUBLE_EQ(evaluation.mean_loss, 8.5625 / 5);
  EXPECT_DOUBLE_EQ(evaluation.accuracy, 3.0 / 5);
}

TEST_F(EvaluateTest, NeedsNoPlaceForLosses) {
  EXPECT_DOUBLE_EQ(Evaluate(model_, Loss::kMeanSquaredError, examples_).mean_loss, 8.5625 / 5);
}

}  // namespace
}  // namespace lehr
