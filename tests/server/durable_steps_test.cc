#include "server/durable_steps.h"

#include <gtest/gtest.h>

namespace lehr {
namespace {

TEST(DurableSteps, FollowTheDisk) {
  DurableSteps steps(/*through=*/4);
  EXPECT_EQ(steps.through(), 4);
  steps.Append(/*sequence=*/10, /*step=*/5);
  steps.Append(12, 6);
  EXPECT_EQ(steps.through(), 4);
  steps.Advance(9);
  EXPECT_EQ(steps.through(), 4);
  steps.Advance(11);
  EXPECT_EQ(steps.through(), 5);
  steps.Advance(12);
  EXPECT_EQ(steps.through(), 6);
}

// A rank that holds step 5 must not forget it because step 7 is on the disk.
TEST(DurableSteps, DoNotReachBeyondAStepThatCameLate) {
  DurableSteps steps(/*through=*/4);
  steps.Append(1, 7);
  steps.Advance(1);
  EXPECT_EQ(steps.through(), 7);
  steps.Append(2, 5);
  EXPECT_EQ(steps.through(), 4);
  steps.Advance(2);
  EXPECT_EQ(steps.through(), 7);
}

}  // namespace
}  // namespace lehr
