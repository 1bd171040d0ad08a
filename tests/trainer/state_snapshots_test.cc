#include "trainer/state_snapshots.h"

#include <gtest/gtest.h>

namespace lehr {
namespace {

// 2-1: three parameters, and their gradients of one batch.
class StateSnapshotsTest : public ::testing::Test {
 protected:
  void Train() {
    const std::vector<float> inputs = {1, 2};
    const std::vector<float> output_gradient = {1};
    model_.Forward(inputs.data(), 1);
    model_.Backward(inputs.data(), output_gradient.data(), 1);
    optimizer_.Step();
  }
  std::vector<float> Parameters() {
    std::vector<float> parameters;
    for (const ModelTensor& tensor : model_.tensors()) {
      parameters.insert(parameters.end(), tensor.values.begin(), tensor.values.end());
    }
    return parameters;
  }

  Mlp model_{{.inputs = 2, .outputs = 1}, /*max_rows=*/1};
  Optimizer optimizer_{{.kind = OptimizerKind::kAdam, .learning_rate = 0.1}, model_.tensors()};
  StateSnapshots snapshots_{model_, optimizer_};
};

// Training from the copy repeats itself: so the optimizer's moments and its step are in it too.
TEST_F(StateSnapshotsTest, TrainingGoesOnFromTheCopyAsItDidBefore) {
  Train();
  ASSERT_TRUE(snapshots_.Save(7));
  const std::vector<float> kept = Parameters();
  Train();
  const std::vector<float> later = Parameters();
  ASSERT_NE(later, kept);
  snapshots_.Restore(7);
  EXPECT_EQ(Parameters(), kept);
  EXPECT_EQ(optimizer_.states()[0].steps, 1);
  Train();
  EXPECT_EQ(Parameters(), later);
}

TEST_F(StateSnapshotsTest, ACopyIsReplacedByOneOfItsId) {
  snapshots_.Save(7);
  Train();
  const std::vector<float> kept = Parameters();
  snapshots_.Save(7);
  Train();
  snapshots_.Restore(7);
  EXPECT_EQ(Parameters(), kept);
}

TEST_F(StateSnapshotsTest, BytesCountParametersAndMoments) {
  EXPECT_EQ(snapshots_.bytes(), 3 * 3 * sizeof(float));
}

}  // namespace
}  // namespace lehr
