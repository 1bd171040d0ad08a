#include "server/core/loss_window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

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

// 3 + 2^(4-i): 19, 11, 7, 5, 4, 3.5, ...: half of what is above 3 goes with each observation. Of
// nine blocks the three at equal distances are observations 0, 4 and 8.
TEST(LossWindow, AGeometricFallIsProjectedExactly) {
  LossWindow window;
  for (int i = 0; i < 9; ++i) {
    window.Add(3 + std::exp2(4 - i), /*window=*/100);
  }
  const std::optional<Fall> fall = ProjectFall(window);
  ASSERT_TRUE(fall);
  EXPECT_EQ(fall->newest, 3.0625);
  EXPECT_DOUBLE_EQ(fall->left, 0.0625);
}

TEST(LossWindow, WhatDoesNotMoveHasNothingLeftToFall) {
  LossWindow window;
  for (int i = 0; i < 8; ++i) {
    window.Add(2, /*window=*/100);
  }
  const std::optional<Fall> fall = ProjectFall(window);
  ASSERT_TRUE(fall);
  EXPECT_EQ(fall->newest, 2);
  EXPECT_EQ(fall->left, 0);
}

TEST(LossWindow, NoFallIsProjectedFromALineARiseOrTooLittle) {
  LossWindow line;
  LossWindow rise;
  LossWindow few;
  for (int i = 0; i < 9; ++i) {
    line.Add(20 - i, /*window=*/100);
    rise.Add(20 + i, /*window=*/100);
  }
  for (int i = 0; i < 7; ++i) {
    few.Add(2, /*window=*/100);
  }
  EXPECT_FALSE(ProjectFall(line));
  EXPECT_FALSE(ProjectFall(rise));
  EXPECT_FALSE(ProjectFall(few));
}

// A block that is not whole yet is newer than its neighbour by less than the others are.
TEST(LossWindow, OnlyWholeBlocksAreProjected) {
  LossWindow window;
  for (int i = 0; i < 21; ++i) {
    window.Add(3 + std::exp2(10 - i), /*window=*/100);
  }
  ASSERT_EQ(window.stride, 2u);
  ASSERT_EQ(window.blocks.back().count, 1u);
  // Means of pairs are 3 + 1.5 / 2 of the older one's height; the newest whole pair is 18 and 19.
  EXPECT_DOUBLE_EQ(ProjectFall(window)->newest, static_cast<float>(3 + 0.75 * std::exp2(-8)));
}

}  // namespace
}  // namespace lehr
