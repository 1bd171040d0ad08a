#include "tests/study/efficacy/stall_watch.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/study/efficacy/study_task.h"
#include "trainer/mlp.h"
#include "trainer/optimizer.h"

namespace lehr {
namespace {

class StallWatchTest : public ::testing::Test {
 protected:
  StallWatchTest()
      : model_({.inputs = 1, .hidden = {}, .outputs = 1}, /*max_rows=*/1),
        optimizer_({}, model_.tensors()) {}

  StallWatch Watch(int64_t examples, int64_t window) {
    return StallWatch({.task = task_,
                       .seed = 1,
                       .steps = 100,
                       .examples = examples,
                       .model = model_,
                       .optimizer = optimizer_},
                      window);
  }

  // Feeds one step of a single example's loss.
  bool Step(StallWatch& watch, float loss, uint64_t example = 0) {
    return watch.Stalls({step_++, {&loss, 1}, {&example, 1}});
  }

  StudyTask task_;
  Mlp model_;
  Optimizer optimizer_;
  int64_t step_ = 0;
};

TEST_F(StallWatchTest, StallsAfterAWindowWithoutAHundredth) {
  StallWatch watch = Watch(/*examples=*/1, /*window=*/2);
  EXPECT_FALSE(Step(watch, 1));
  EXPECT_FALSE(Step(watch, 0.98F));   // improves
  EXPECT_FALSE(Step(watch, 0.975F));  // by less than 1 %
  EXPECT_TRUE(Step(watch, 0.975F));
}

TEST_F(StallWatchTest, CountsPassesOverTheDataSet) {
  StallWatch watch = Watch(/*examples=*/2, /*window=*/1);
  EXPECT_FALSE(Step(watch, 1, 0));
  EXPECT_FALSE(Step(watch, 1, 1));  // the first pass
  EXPECT_FALSE(Step(watch, 1, 0));
  EXPECT_TRUE(Step(watch, 1, 1));
}

TEST_F(StallWatchTest, ConvergedRunsDoNotStall) {
  StallWatch watch = Watch(/*examples=*/1, /*window=*/1);
  EXPECT_FALSE(Step(watch, 1));
  EXPECT_FALSE(Step(watch, 0.04F));
  EXPECT_FALSE(Step(watch, 0.04F));
  EXPECT_TRUE(Step(watch, 0.06F));
}

TEST_F(StallWatchTest, BeginsAnew) {
  StallWatch watch = Watch(/*examples=*/1, /*window=*/1);
  EXPECT_FALSE(Step(watch, 1));
  EXPECT_TRUE(Step(watch, 1));
  watch.Begin();
  EXPECT_FALSE(Step(watch, 3));
  EXPECT_TRUE(Step(watch, 3));
}

}  // namespace
}  // namespace lehr
