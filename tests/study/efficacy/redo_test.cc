#include "tests/study/efficacy/redo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "tests/study/efficacy/patient.h"
#include "trainer/initialization.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Means (5, 0, 0.25, 2.75) over the rows, 2 over the layer: scores 2.5, 0, 0.125, 1.375.
TEST(DormantUnits, AreThoseWithAScoreUpToTheThreshold) {
  const std::vector<float> activations = {8, 0, 0.5, 3,  //
                                          2, 0, 0,   2.5};
  EXPECT_THAT(DormantUnits(activations, 4, 0), ElementsAre(1));
  EXPECT_THAT(DormantUnits(activations, 4, 0.1), ElementsAre(1));
  EXPECT_THAT(DormantUnits(activations, 4, 0.125), ElementsAre(1, 2));
}

TEST(DormantUnits, AreAllOfASilentLayer) {
  EXPECT_THAT(DormantUnits({0, 0, 0, 0}, 2, 0.1), ElementsAre(0, 1));
}

TEST(DormantUnits, AreNoneWhereAllDoTheSame) {
  EXPECT_THAT(DormantUnits({3, 3, 3, 3}, 2, 0.9), IsEmpty());
}

// 2-2-2-1, where unit 1 of the first layer and unit 0 of the second one are silent for (1, 1).
class RedoTest : public ::testing::Test {
 protected:
  RedoTest()
      : model_({.inputs = 2, .hidden = {2, 2}, .outputs = 1}, /*max_rows=*/1),
        optimizer_({.kind = OptimizerKind::kAdam}, model_.tensors()) {
    task_.initial = InitialValues::kTorch;
    const std::vector<std::vector<float>> values = {{1, 2, -1, -1}, {0, 0},   {-1, 4, 1, 5},
                                                    {0, 0},         {11, 12}, {13}};
    for (size_t i = 0; i < values.size(); ++i) {
      std::copy(values[i].begin(), values[i].end(), model_.tensors()[i].values.begin());
      Optimizer::TensorState& state = optimizer_.states()[i];
      state.steps = 7;
      std::fill(state.first_moment.begin(), state.first_moment.end(), 0.5F);
      std::fill(state.second_moment.begin(), state.second_moment.end(), 0.25F);
    }
  }

  Patient patient() {
    return {.task = task_,
            .seed = 1,
            .steps = 100,
            .examples = 1,
            .model = model_,
            .optimizer = optimizer_};
  }

  absl::Span<const float> Values(size_t tensor) const { return model_.tensors()[tensor].values; }
  const Optimizer::TensorState& State(size_t tensor) const { return optimizer_.states()[tensor]; }

  // Whether the treatment acts after the update of this step.
  bool Act(Treatment& treatment, int64_t step) {
    const std::vector<float> inputs = {1, 1};
    model_.Forward(inputs.data(), /*rows=*/1);
    const std::vector<float> losses = {1};
    const std::vector<uint64_t> ids = {0};
    return treatment.AfterUpdate({step, losses, ids});
  }

  StudyTask task_;
  Mlp model_;
  Optimizer optimizer_;
};

TEST_F(RedoTest, ActsAfterEachPeriod) {
  const std::unique_ptr<Treatment> redo = MakeRedo(patient(), /*period=*/10, /*threshold=*/0.1);
  EXPECT_FALSE(Act(*redo, 0));
  EXPECT_FALSE(Act(*redo, 8));
  EXPECT_TRUE(Act(*redo, 9));
  EXPECT_FALSE(Act(*redo, 10));
}

TEST_F(RedoTest, DrawsIncomingWeightsAndBiasAsTheInitializerDoes) {
  const std::unique_ptr<Treatment> redo = MakeRedo(patient(), /*period=*/1, /*threshold=*/0.1);
  ASSERT_TRUE(Act(*redo, 0));
  // Unit 0 stays, unit 1 is uniform over ±1/√2.
  EXPECT_THAT(Values(0).first(2), ElementsAre(1, 2));
  EXPECT_EQ(Values(1)[0], 0);
  for (const float value : {Values(0)[2], Values(0)[3], Values(1)[1]}) {
    EXPECT_NE(value, 0);
    EXPECT_NE(value, -1);
    EXPECT_LE(std::abs(value), 0.70711F);
  }
}

TEST_F(RedoTest, MakesOutgoingWeightsZero) {
  const std::unique_ptr<Treatment> redo = MakeRedo(patient(), /*period=*/1, /*threshold=*/0.1);
  ASSERT_TRUE(Act(*redo, 0));
  // From unit 1 of the first layer: also where the other end was dormant and drawn anew.
  EXPECT_EQ(Values(2)[1], 0);
  EXPECT_EQ(Values(2)[3], 0);
  EXPECT_EQ(Values(2)[2], 1);
  // From unit 0 of the second one.
  EXPECT_THAT(Values(4), ElementsAre(0, 12));
  EXPECT_THAT(Values(5), ElementsAre(13));
}

TEST_F(RedoTest, ClearsAdamsMomentsOfTheseWeightsAlone) {
  const std::unique_ptr<Treatment> redo = MakeRedo(patient(), /*period=*/1, /*threshold=*/0.1);
  ASSERT_TRUE(Act(*redo, 0));
  EXPECT_THAT(State(0).first_moment, ElementsAre(0.5, 0.5, 0, 0));
  EXPECT_THAT(State(0).second_moment, ElementsAre(0.25, 0.25, 0, 0));
  EXPECT_THAT(State(1).first_moment, ElementsAre(0.5, 0.5));
  // Incoming of unit 0, outgoing of the first layer's unit 1.
  EXPECT_THAT(State(2).second_moment, ElementsAre(0, 0, 0.25, 0));
  EXPECT_THAT(State(4).first_moment, ElementsAre(0, 0.5));
  EXPECT_EQ(State(0).steps, 7);
}

TEST_F(RedoTest, LeavesANetWithoutDormantUnitsAlone) {
  for (const size_t weight : {0, 2}) {
    std::fill(model_.tensors()[weight].values.begin(), model_.tensors()[weight].values.end(), 1.0F);
  }
  const std::unique_ptr<Treatment> redo = MakeRedo(patient(), /*period=*/1, /*threshold=*/0.1);
  EXPECT_FALSE(Act(*redo, 0));
  EXPECT_THAT(Values(4), ElementsAre(11, 12));
}

// The units' sum is the output: there is nothing behind them to clear.
TEST(Redo, RecyclesUnitsOfASum) {
  StudyTask task;
  task.initial = InitialValues::kPaper;
  Mlp model({.inputs = 1, .hidden = {2}, .outputs = 1, .output = Architecture::Output::kSumOfUnits},
            /*max_rows=*/1);
  Optimizer optimizer({}, model.tensors());
  model.tensors()[0].values[0] = 1;
  model.tensors()[0].values[1] = -1;
  const std::unique_ptr<Treatment> redo = MakeRedo(
      {.task = task, .seed = 1, .steps = 1, .examples = 1, .model = model, .optimizer = optimizer},
      /*period=*/1, /*threshold=*/0.1);
  const std::vector<float> inputs = {1};
  model.Forward(inputs.data(), /*rows=*/1);
  const std::vector<float> losses = {1};
  const std::vector<uint64_t> ids = {0};
  EXPECT_TRUE(redo->AfterUpdate({0, losses, ids}));
  EXPECT_EQ(model.tensors()[0].values[0], 1);
  EXPECT_NE(model.tensors()[0].values[1], -1);
}

}  // namespace
}  // namespace lehr
