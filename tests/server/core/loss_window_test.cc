#include "server/core/loss_window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lehr {
namespace {

TEST(LossWindow, NothingHasNoRangeAndNoDecline) {
  EXPECT_EQ(RelativeRange(LossWindow()), 0);
  EXPECT_EQ(DeclineRate(LossWindow()), 0);
}

TEST(LossWindow, ForgetsWhatIsOlderThanTheWindow) {
  LossWindow window;
  window.Add(100, /*window=*/3);
  for (int i = 0; i < 3; ++i) {
    window.Add(1, /*window=*/3);
  }
  EXPECT_EQ(window.length, 3u);
  EXPECT_EQ(RelativeRange(window), 0);
}

TEST(LossWindow, RangeIsOverAllBlocksAndRelativeToTheNewestMean) {
  LossWindow window;
  for (const double loss : {5.0, 3.0, 4.0}) {
    window.Add(loss, /*window=*/10);
  }
  EXPECT_DOUBLE_EQ(RelativeRange(window), (5.0 - 3.0) / 4.0);
}

// The line through (0, 6), (1, 5), (2, 4) falls by 1 an observation, and the newest mean is 4.
TEST(LossWindow, DeclineIsTheSlopeOfTheLine) {
  LossWindow window;
  for (const double loss : {6.0, 5.0, 4.0}) {
    window.Add(loss, /*window=*/10);
  }
  EXPECT_DOUBLE_EQ(DeclineRate(window), 1.0 / 4.0);
}

TEST(LossWindow, ARisingLossDeclinesNegatively) {
  LossWindow window;
  window.Add(1, /*window=*/10);
  window.Add(2, /*window=*/10);
  EXPECT_DOUBLE_EQ(DeclineRate(window), -0.5);
}

// 1000 observations on the line 2000 - i: the blocks keep its slope, its length and its range.
TEST(LossWindow, LongWindowsKeepTheirShapeInBoundedSpace) {
  LossWindow window;
  for (int i = 0; i < 1000; ++i) {
    window.Add(2000 - i, /*window=*/1000);
    ASSERT_LE(window.blocks.size(), LossWindow::kMaxBlocks);
  }
  EXPECT_EQ(window.length, 1000u);
  const double newest_mean = window.blocks.back().mean;
  EXPECT_NEAR(DeclineRate(window), 1 / newest_mean, 1e-9);
  EXPECT_NEAR(RelativeRange(window), 999 / newest_mean, 1e-9);
}

TEST(LossWindow, ALongWindowForgetsBlockByBlock) {
  LossWindow window;
  for (int i = 0; i < 100; ++i) {
    window.Add(50, /*window=*/100);
  }
  for (int i = 0; i < 100 + static_cast<int>(window.stride); ++i) {
    window.Add(1, /*window=*/100);
  }
  EXPECT_EQ(RelativeRange(window), 0);
  EXPECT_GE(window.length, 100u);
  EXPECT_LT(window.length, 100u + window.stride);
}

}  // namespace
}  // namespace lehr
