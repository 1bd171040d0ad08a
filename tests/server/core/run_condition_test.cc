#include "server/core/run_condition.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <random>

namespace lehr {
namespace {

constexpr absl::Time kStart = absl::FromUnixSeconds(1'780'000'000);

// Feeds a step a second; the temperature is the loss unless it is given.
class RunConditionTest : public testing::Test {
 protected:
  void Step(double mean, bool acted = false) { Step(mean, mean, acted); }
  void Step(double mean, double temperature, bool acted, bool stall_seen = false) {
    run_.Add({.step = step_,
              .closed = kStart + absl::Seconds(step_),
              .mean = mean,
              .temperature = temperature,
              .acted = acted,
              .apply_step = step_ + 1,
              .stall_seen = stall_seen});
    ++step_;
  }
  void Steps(int count, double mean, bool acted = false) {
    for (int i = 0; i < count; ++i) {
      Step(mean, acted);
    }
  }
  // `count` steps on a line from `from` to `to`.
  void Line(int count, double from, double to, bool acted = false) {
    for (int i = 0; i < count; ++i) {
      Step(from + (to - from) * i / count, acted);
    }
  }
  // Steps of this loss until the condition is another; how many there were, at most 10,000.
  int StepsUntilChange(double mean, bool acted = false) {
    const Condition before = run_.condition();
    int steps = 0;
    while (run_.condition() == before && steps < 10'000) {
      Step(mean, acted);
      ++steps;
    }
    return steps;
  }

  int64_t step_ = 0;
  RunCondition run_;
};

TEST_F(RunConditionTest, BeginsHealthy) {
  EXPECT_EQ(run_.condition(), Condition::kHealthy);
  EXPECT_EQ(run_.since_step(), -1);
  EXPECT_FALSE(run_.loss_now().has_value());
  EXPECT_FALSE(run_.loss_before_act().has_value());
  EXPECT_FALSE(run_.last_acted_step().has_value());
  Step(1);
  EXPECT_EQ(run_.since_step(), 0);
  EXPECT_EQ(run_.loss_now(), 1);
}

TEST_F(RunConditionTest, ALossThatFallsIsHealthy) {
  for (int i = 0; i < 2000; ++i) {
    Step(std::exp(-i / 1000.0));
    ASSERT_EQ(run_.condition(), Condition::kHealthy) << i;
  }
}

TEST_F(RunConditionTest, StuckFromTheStartIsStalledSinceThen) {
  Steps(63, 0.5);
  EXPECT_EQ(run_.condition(), Condition::kHealthy);
  Step(0.5);
  EXPECT_EQ(run_.condition(), Condition::kStalled);
  EXPECT_EQ(run_.since_step(), 0);
  EXPECT_EQ(run_.since(), kStart);
}

// The first losses of a net at chance lie evenly: it has no temperature.
TEST_F(RunConditionTest, ALossThatNeverFellIsStalledWhateverTheTemperature) {
  for (int i = 0; i < 64; ++i) {
    Step(2.3, /*temperature=*/i == 0 ? 1 : 0.01, /*acted=*/false);
  }
  EXPECT_EQ(run_.condition(), Condition::kStalled);
}

TEST_F(RunConditionTest, AStallBeginsWhereTheLossWentFlat) {
  Line(400, 1, 0.5);
  ASSERT_EQ(run_.condition(), Condition::kHealthy);
  EXPECT_LE(StepsUntilChange(0.5), 400 / 3);
  EXPECT_EQ(run_.condition(), Condition::kStalled);
  EXPECT_NEAR(static_cast<double>(run_.since_step()), 400, 30);
  EXPECT_EQ(run_.since(), kStart + absl::Seconds(run_.since_step()));
}

TEST_F(RunConditionTest, FlatAndColdIsHealthy) {
  Line(100, 1, 0.3);
  for (int i = 0; i < 1000; ++i) {
    Step(0.3, /*temperature=*/0.05, /*acted=*/false);
  }
  EXPECT_EQ(run_.condition(), Condition::kHealthy);
}

TEST_F(RunConditionTest, FlatWithoutLossIsHealthy) {
  Line(100, 1, 0);
  Steps(1000, 0.01);
  EXPECT_EQ(run_.condition(), Condition::kHealthy);
}

TEST_F(RunConditionTest, ALossThatRisesAndStaysIsStalled) {
  Line(100, 1, 0.3);
  Line(200, 0.3, 0.9);
  EXPECT_EQ(run_.condition(), Condition::kStalled);
}

TEST_F(RunConditionTest, AStallEndsByItself) {
  Steps(100, 0.5);
  ASSERT_EQ(run_.condition(), Condition::kStalled);
  // 0.49 is not clearly below.
  Steps(100, 0.4901);
  EXPECT_EQ(run_.condition(), Condition::kStalled);
  Line(100, 0.49, 0.3);
  EXPECT_EQ(run_.condition(), Condition::kHealthy);
  EXPECT_GT(run_.since_step(), 200);
}

TEST_F(RunConditionTest, APerturbationThatHelps) {
  Steps(100, 0.5);
  const int64_t acted_at = step_;
  Step(0.5, /*acted=*/true);
  EXPECT_EQ(run_.condition(), Condition::kPerturbed);
  EXPECT_EQ(run_.since_step(), acted_at);
  EXPECT_EQ(run_.last_acted_step(), acted_at);
  EXPECT_EQ(run_.loss_before_act(), 0.5);
  // Too early to say, whatever the loss.
  Steps(15, 0.4);
  EXPECT_EQ(run_.condition(), Condition::kPerturbed);
  Step(0.4);
  EXPECT_EQ(run_.condition(), Condition::kRecovering);
  EXPECT_EQ(run_.since_step(), acted_at + 16);
  EXPECT_NEAR(*run_.loss_now(), 0.4, 1e-12);
  EXPECT_EQ(run_.loss_before_act(), 0.5);
  Line(200, 0.4, 0.2);
  EXPECT_EQ(run_.condition(), Condition::kHealthy);
  EXPECT_EQ(run_.loss_before_act(), 0.5);
}

TEST_F(RunConditionTest, APerturbationThatRaisesTheLossFirst) {
  Steps(100, 0.5);
  Step(0.5, /*acted=*/true);
  Line(60, 1.5, 0.5);
  EXPECT_EQ(run_.condition(), Condition::kPerturbed);
  Line(60, 0.5, 0.3);
  EXPECT_EQ(run_.condition(), Condition::kRecovering);
}

TEST_F(RunConditionTest, APerturbationWithoutEffectIsAStall) {
  Steps(100, 0.5);
  Step(0.5, /*acted=*/true);
  EXPECT_EQ(StepsUntilChange(0.5), 64);
  EXPECT_EQ(run_.condition(), Condition::kStalled);
  EXPECT_EQ(run_.since_step(), 101);
}

TEST_F(RunConditionTest, ARecoveryThatIsLostIsPerturbedAgain) {
  Steps(100, 0.5);
  Step(0.5, /*acted=*/true);
  Steps(16, 0.4);
  ASSERT_EQ(run_.condition(), Condition::kRecovering);
  Steps(16, 0.6);
  EXPECT_EQ(run_.condition(), Condition::kPerturbed);
}

TEST_F(RunConditionTest, ARecoveryThatEndsInAPlateauIsAStall) {
  Steps(100, 0.5);
  Step(0.5, /*acted=*/true);
  Line(30, 0.5, 0.4);
  ASSERT_EQ(run_.condition(), Condition::kRecovering);
  EXPECT_LE(StepsUntilChange(0.4), 100);
  EXPECT_EQ(run_.condition(), Condition::kStalled);
}

TEST_F(RunConditionTest, LongBelowIsHealthy) {
  Steps(100, 0.5);
  Step(0.5, /*acted=*/true);
  Line(16 + 256 + 1, 0.48, 0.28);
  EXPECT_EQ(run_.condition(), Condition::kHealthy);
}

TEST_F(RunConditionTest, AColdRunThatWasPerturbedIsHealthy) {
  Line(100, 1, 0.3);
  Step(0.3, /*temperature=*/0.01, /*acted=*/true);
  for (int i = 0; i < 16; ++i) {
    Step(0.3, /*temperature=*/0.01, /*acted=*/false);
  }
  EXPECT_EQ(run_.condition(), Condition::kHealthy);
}

// As error_driven does on a hot run: one attempt, however many changes.
TEST_F(RunConditionTest, ActedUponAtEveryStepWithoutEffectIsAStall) {
  Step(0.5, /*acted=*/true);
  EXPECT_EQ(run_.condition(), Condition::kPerturbed);
  EXPECT_EQ(StepsUntilChange(0.5, /*acted=*/true), 64);
  EXPECT_EQ(run_.condition(), Condition::kStalled);
  Steps(1000, 0.5, /*acted=*/true);
  EXPECT_EQ(run_.condition(), Condition::kStalled);
  EXPECT_EQ(run_.last_acted_step(), step_ - 1);

  Line(40, 0.5, 0.4, /*acted=*/true);
  EXPECT_EQ(run_.condition(), Condition::kRecovering);
  EXPECT_EQ(run_.loss_before_act(), 0.5);
  Line(100, 0.4, 0.1, /*acted=*/true);
  EXPECT_EQ(run_.condition(), Condition::kHealthy);
}

TEST_F(RunConditionTest, ActedUponAtEveryStepWithEffect) {
  Step(1, /*acted=*/true);
  Line(100, 1, 0.6, /*acted=*/true);
  EXPECT_EQ(run_.condition(), Condition::kRecovering);
  EXPECT_EQ(run_.loss_before_act(), 1);
  Line(100, 0.6, 0.4, /*acted=*/true);
  EXPECT_EQ(run_.condition(), Condition::kHealthy);
}

TEST_F(RunConditionTest, ChangesInAQuietTimeBeginAnew) {
  Step(1, /*acted=*/true);
  Line(200, 1, 0.3);
  ASSERT_EQ(run_.condition(), Condition::kHealthy);
  Step(0.3, /*acted=*/true);
  EXPECT_EQ(run_.condition(), Condition::kPerturbed);
  EXPECT_NEAR(*run_.loss_before_act(), 0.3, 0.05);
}

// With a lag, the losses before apply_step are still those of before.
TEST_F(RunConditionTest, SettlesFromTheApplyStepOn) {
  Steps(100, 0.5);
  run_.Add({.step = 100, .mean = 0.5, .temperature = 1, .acted = true, .apply_step = 111});
  step_ = 101;
  Steps(10, 0.5);
  Steps(15, 0.1);
  EXPECT_EQ(run_.condition(), Condition::kPerturbed);
  Step(0.1);
  EXPECT_NE(run_.condition(), Condition::kPerturbed);
}

TEST_F(RunConditionTest, BelievesThePolicy) {
  Line(10, 1, 0.9);
  Step(0.9, 0.9, /*acted=*/false, /*stall_seen=*/true);
  EXPECT_EQ(run_.condition(), Condition::kStalled);
  EXPECT_EQ(run_.since_step(), 0);
  Line(100, 0.9, 0.5);
  ASSERT_EQ(run_.condition(), Condition::kHealthy);
  Step(0.5, 0.5, /*acted=*/true, /*stall_seen=*/true);
  EXPECT_EQ(run_.condition(), Condition::kPerturbed);
}

TEST_F(RunConditionTest, WhatMeasuredNothingSaysNothing) {
  Steps(60, 0.5);
  for (int i = 0; i < 100; ++i) {
    run_.Add({.step = step_++});
  }
  EXPECT_EQ(run_.condition(), Condition::kHealthy);
  EXPECT_EQ(run_.loss_now(), 0.5);
  Steps(4, 0.5);
  EXPECT_EQ(run_.condition(), Condition::kStalled);
}

TEST_F(RunConditionTest, StepsThatComeLateAreLeftOut) {
  Steps(64, 0.5);
  step_ = 3;
  Step(0.0001, /*acted=*/true);
  EXPECT_EQ(run_.condition(), Condition::kStalled);
  EXPECT_EQ(run_.loss_now(), 0.5);
}

// Losses of batches are noisy. One that falls as a language model's does is not called stalled at
// any step, and one that does not fall is.
TEST_F(RunConditionTest, NoiseNeitherMakesNorHidesAStall) {
  std::mt19937 random(5);
  std::normal_distribution<double> noise(1, 0.05);
  for (int i = 1; i <= 20'000; ++i) {
    Step(4 * std::pow(i, -0.15) * noise(random));
    ASSERT_EQ(run_.condition(), Condition::kHealthy) << i;
  }
  const double floor = *run_.loss_now();
  int steps = 0;
  while (run_.condition() == Condition::kHealthy && steps < 20'000) {
    Step(floor * noise(random));
    ++steps;
  }
  EXPECT_EQ(run_.condition(), Condition::kStalled);
  EXPECT_LE(steps, 20'000 / 3);
}

}  // namespace
}  // namespace lehr
