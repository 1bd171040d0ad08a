#include "tests/study/efficacy/trial.h"

#include <gtest/gtest.h>

namespace lehr {
namespace {

const Arm kNone = {.name = "none", .title = "none", .settings = {}};

// Logistic regression on one example: x = (1), label 1, from weight and bias 0.
class TrialTest : public ::testing::Test {
 protected:
  TrialTest() {
    data_.train = {.inputs = {1}, .labels = {1}};
    data_.features = 1;
    data_.classes = 2;
    task_.name = "hand";
    task_.loss = Loss::kMeanSquaredError;
    task_.initial = InitialValues::kHe;
    task_.optimizer.learning_rate = 0.1;
    task_.batch_size = 0;
    task_.steps = 4;
    task_.goal = Goal::kMeanLossBelow;
  }

  TrialResult Run() { return RunTrial(task_, data_, kNone, /*seed=*/1).value(); }

  Dataset data_;
  StudyTask task_;
};

// The residual r = w + b - 1 shrinks by 1 - 4 * learning rate a step: the loss is r^2.
TEST_F(TrialTest, LearningRateDropsAsSaid) {
  task_.steps = 1;
  const double after_one = Run().final_loss;
  task_.steps = 4;
  const double plain = Run().final_loss;
  EXPECT_NEAR(plain / after_one, std::pow(0.6, 6), 1e-5);
  task_.learning_rate_drops = {0.5, 0.75};
  EXPECT_NEAR(Run().final_loss / after_one, std::pow(0.6 * 0.96 * 0.996, 2), 1e-5);
}

TEST_F(TrialTest, ResultsAreNamedByTheArmsTitle) {
  const Arm arm = {.name = "restart", .title = "restart (window 9)", .settings = {9}};
  EXPECT_EQ(RunTrial(task_, data_, arm, /*seed=*/1).value().arm, "restart (window 9)");
}

TEST_F(TrialTest, MeasuresItsOwnTime) {
  task_.steps = 20'000;
  EXPECT_GT(Run().cpu_seconds, 0);
  EXPECT_LT(Run().cpu_seconds, 10);
}

// Every run is at 100 % from the first epoch on; where it is killed, that counts from there on.
TEST_F(TrialTest, AGoalCountsFromTheKillingOn) {
  task_.goal = Goal::kTestAccuracy;
  task_.threshold = 0;
  task_.steps = 0;
  task_.epochs = 8;
  EXPECT_EQ(Run().reached_step, 0);
  task_.killed_at_epoch = 5;
  EXPECT_EQ(Run().reached_step, 5);
}

TEST_F(TrialTest, ArmsThatAreNoneAreRefused) {
  EXPECT_EQ(
      RunTrial(task_, data_, {.name = "pray", .title = "pray", .settings = {}}, 1).status().code(),
      absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace lehr
