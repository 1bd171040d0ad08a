#include "client/cli/downsample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace lehr {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Downsampler, KeepsAllPointsWhileTheyFit) {
  Downsampler curve(4);
  curve.Add(10, 3);
  curve.Add(11, 1);
  curve.Add(13, 2);
  EXPECT_THAT(curve.Points(), ElementsAre(CurvePoint{10, 3}, CurvePoint{11, 1}, CurvePoint{13, 2}));
}

// Steps 0 to 7 in two buckets of four.
TEST(Downsampler, KeepsTheLeastTheGreatestAndTheLastOfEachBucket) {
  Downsampler curve(2);
  int64_t step = 0;
  for (const double value : {5, 9, 1, 4, 7, 7, 8, 8}) {
    curve.Add(step++, value);
  }
  EXPECT_THAT(curve.Points(), ElementsAre(CurvePoint{1, 9}, CurvePoint{2, 1}, CurvePoint{3, 4},
                                          CurvePoint{4, 7}, CurvePoint{6, 8}, CurvePoint{7, 8}));
}

TEST(Downsampler, NeverLosesASpikeOfAMillionSteps) {
  Downsampler curve(300);
  for (int64_t step = 0; step < 1'000'000; ++step) {
    curve.Add(step, step == 123'457 ? 50 : step == 765'431 ? 0.001 : 1);
  }
  EXPECT_THAT(curve.Points(), Contains(CurvePoint{123'457, 50}));
  EXPECT_THAT(curve.Points(), Contains(CurvePoint{765'431, 0.001}));
  EXPECT_THAT(curve.Points(), Contains(CurvePoint{999'999, 1}));
  EXPECT_LE(curve.Points().size(), 900);
}

TEST(Downsampler, AStepFarAwayIsNoTrouble) {
  Downsampler curve(8);
  curve.Add(0, 1);
  curve.Add((int64_t{1} << 62) - 1, 2);
  EXPECT_THAT(curve.Points(), SizeIs(2));
}

TEST(Downsampler, LeavesOutWhatIsNoNumber) {
  Downsampler curve(8);
  curve.Add(0, std::numeric_limits<double>::quiet_NaN());
  curve.Add(1, std::numeric_limits<double>::infinity());
  EXPECT_THAT(curve.Points(), IsEmpty());
}

}  // namespace
}  // namespace lehr
