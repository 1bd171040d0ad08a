#include "server/run_course.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace lehr {
namespace {

using ::testing::ElementsAre;

v1::Decision Measured(int64_t step, double mean) {
  v1::Decision decision;
  decision.set_step(step);
  decision.set_apply_step(step + 1);
  decision.set_closed_unix_ns(step);
  decision.mutable_observation()->set_count(4);
  decision.mutable_observation()->set_mean(mean);
  decision.mutable_observation()->set_temperature(2 * mean);
  return decision;
}

v1::Decision Acting(int64_t step, double mean, float stddev) {
  v1::Decision decision = Measured(step, mean);
  decision.add_actions()->mutable_perturb()->set_stddev(stddev);
  return decision;
}

v1::RunOverview Describe(const RunCourse& course) {
  v1::RunOverview overview;
  course.Describe(overview);
  return overview;
}

TEST(RunCourseTest, BeginsWithNothing) {
  const v1::RunOverview overview = Describe(RunCourse());
  EXPECT_FALSE(overview.has_last_acted_step());
  EXPECT_FALSE(overview.has_loss_before_act());
  EXPECT_FALSE(overview.has_loss_now());
  EXPECT_EQ(overview.sparkline().temperature_size(), 0);
  EXPECT_EQ(overview.sparkline().last_step(), -1);
  EXPECT_EQ(overview.sparkline().bucket_steps(), 1);
}

TEST(RunCourseTest, TellsWhatWasDoneAndWhetherItHelped) {
  RunCourse course;
  course.Add(Measured(0, 0.5));
  course.Add(Acting(1, 0.5, 0.25));
  for (int64_t step = 2; step < 20; ++step) {
    course.Add(Measured(step, 0.375));
  }
  const v1::RunOverview overview = Describe(course);
  EXPECT_EQ(overview.noise_stddev(), 0.25);
  EXPECT_EQ(overview.last_acted_step(), 1);
  EXPECT_EQ(overview.loss_before_act(), 0.5);
  EXPECT_EQ(overview.loss_now(), 0.375);
  EXPECT_EQ(course.condition().condition(), Condition::kRecovering);
  EXPECT_EQ(overview.sparkline().temperature(1), 1);
  EXPECT_EQ(overview.sparkline().mean(2), 0.375);
  EXPECT_EQ(overview.sparkline().acted(1), 1);
}

// A step without usable losses is no loss of 0.
TEST(RunCourseTest, WhatMeasuredNothingIsNoPoint) {
  RunCourse course;
  course.Add(Measured(0, 0.5));
  v1::Decision nothing;
  nothing.set_step(1);
  course.Add(nothing);
  EXPECT_THAT(Describe(course).sparkline().mean(), ElementsAre(0.5));
  EXPECT_EQ(Describe(course).loss_now(), 0.5);
}

TEST(RunCourseTest, BelievesReheatAndItsShadow) {
  for (const bool observes : {false, true}) {
    RunCourse course;
    course.Add(Measured(0, 0.5));
    v1::Decision decision = Measured(1, 0.5);
    if (observes) {
      decision.set_policy("observe:reheat");
      decision.mutable_reason()->set_code(v1::Reason::CODE_OBSERVE_ONLY);
      decision.add_withheld()->mutable_restore()->set_id(1);
    } else {
      decision.set_policy("reheat");
      decision.mutable_reason()->set_code(v1::Reason::CODE_STALL_FLAT);
    }
    course.Add(decision);
    EXPECT_EQ(course.condition().condition(), Condition::kStalled);
  }
}

// It ends a run that had stalled, when it no longer is.
TEST(RunCourseTest, ALearningRateThatAShadowWouldLowerIsNoStall) {
  RunCourse course;
  course.Add(Measured(0, 0.5));
  v1::Decision decision = Measured(1, 0.5);
  decision.set_policy("observe:reheat");
  decision.add_withheld()->mutable_learning_rate()->set_factor(0.1f);
  course.Add(decision);
  EXPECT_EQ(course.condition().condition(), Condition::kHealthy);
}

TEST(RunCourseTest, WhatErrorDrivenWithholdsIsNoStall) {
  RunCourse course;
  for (int64_t step = 0; step < 10; ++step) {
    v1::Decision decision = Measured(step, 0.5);
    decision.set_policy("observe:error_driven");
    decision.add_withheld()->mutable_perturb()->set_stddev(1);
    course.Add(decision);
  }
  EXPECT_EQ(course.condition().condition(), Condition::kHealthy);
}

// Sums of the past stand for its decisions.
TEST(RunCourseTest, ResumesFromBuckets) {
  RunCourse course;
  for (int64_t block = 0; block < 100; ++block) {
    SeriesBucket bucket = BucketOf(Measured(8 * block, 0.5));
    for (int64_t step = 8 * block + 1; step < 8 * block + 8; ++step) {
      Merge(BucketOf(step == 403 ? Acting(step, 0.5, 0.125) : Measured(step, 0.5)), bucket);
    }
    course.Resume(bucket);
  }
  const v1::RunOverview overview = Describe(course);
  EXPECT_EQ(overview.last_acted_step(), 407);
  EXPECT_EQ(overview.noise_stddev(), 0.125);
  EXPECT_EQ(overview.sparkline().last_step(), 799);
  EXPECT_EQ(overview.sparkline().bucket_steps(), 32);
  EXPECT_EQ(overview.sparkline().temperature_size(), 25);
  EXPECT_EQ(overview.loss_before_act(), 0.5);
}

}  // namespace
}  // namespace lehr
