#include "tests/study/efficacy/study_task.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace lehr {
namespace {

TEST(StudyTask, LearningRateDropsToATenthAtEachShare) {
  StudyTask task;
  EXPECT_EQ(LearningRateFactor(task, 99, 100), 1);
  task.learning_rate_drops = {0.5, 0.75};
  EXPECT_EQ(LearningRateFactor(task, 0, 100), 1);
  EXPECT_EQ(LearningRateFactor(task, 49, 100), 1);
  EXPECT_DOUBLE_EQ(LearningRateFactor(task, 50, 100), 0.1);
  EXPECT_DOUBLE_EQ(LearningRateFactor(task, 74, 100), 0.1);
  EXPECT_DOUBLE_EQ(LearningRateFactor(task, 75, 100), 0.01);
}

// A factor on the gradient is one on the learning rate for plain gradient descent alone.
TEST(StudyTasks, LearningRateDropsOnlyWithoutMomentum) {
  for (const StudyTask& task : StudyTasks()) {
    if (!task.learning_rate_drops.empty()) {
      EXPECT_EQ(task.optimizer.kind, OptimizerKind::kSgd) << task.name;
      EXPECT_EQ(task.optimizer.momentum, 0) << task.name;
    }
  }
}

TEST(StudyTasks, HealthyOnesHaveNoGoal) {
  for (const StudyTask& task : StudyTasks()) {
    EXPECT_EQ(task.healthy, task.threshold == 0) << task.name;
  }
}

TEST(StudyTasks, HaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (const StudyTask& task : StudyTasks()) {
    EXPECT_TRUE(names.insert(task.name).second) << task.name;
  }
}

TEST(StudyTasks, ThreeHundredHealthyRunsAreOnDigitsAndTenOnFashionMnist) {
  int digits = 0;
  int fashion = 0;
  for (const StudyTask& task : StudyTasks()) {
    digits += task.healthy && task.data == Task::kDigits ? task.seeds : 0;
    fashion += task.healthy && task.data == Task::kFashionMnist ? task.seeds : 0;
  }
  EXPECT_GE(digits, 300);
  EXPECT_GE(fashion, 10);
}

}  // namespace
}  // namespace lehr
