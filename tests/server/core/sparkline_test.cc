#include "server/core/sparkline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Bucket = Sparkline::Bucket;

TEST(SparklineTest, BeginsEmpty) {
  const Sparkline sparkline;
  EXPECT_THAT(sparkline.Buckets(), IsEmpty());
  EXPECT_EQ(sparkline.width(), 1);
  EXPECT_EQ(sparkline.first_step(), 0);
  EXPECT_EQ(sparkline.last_step(), -1);
}

TEST(SparklineTest, AsLongAsThereIsRoomEachStepHasItsBucket) {
  Sparkline sparkline;
  sparkline.Add(7, {.temperature = 3, .mean = 1, .acted = 1});
  sparkline.Add(8, {.temperature = 2, .mean = 0.5, .acted = 0});
  EXPECT_THAT(sparkline.Buckets(), ElementsAre(Bucket{3, 1, 1}, Bucket{2, 0.5, 0}));
  EXPECT_EQ(sparkline.first_step(), 7);
  EXPECT_EQ(sparkline.last_step(), 8);
}

TEST(SparklineTest, PairsBecomeOneWhenItIsFull) {
  Sparkline sparkline;
  for (int64_t step = 0; step < 48; ++step) {
    sparkline.Add(
        step,
        {.temperature = step % 2 == 0 ? 9.0F : 1.0F, .mean = static_cast<float>(step), .acted = 1});
  }
  EXPECT_THAT(sparkline.Buckets(), SizeIs(48));
  sparkline.Add(48, {.temperature = 5, .mean = 48, .acted = 0});
  EXPECT_EQ(sparkline.width(), 2);
  ASSERT_THAT(sparkline.Buckets(), SizeIs(25));
  EXPECT_EQ(sparkline.Buckets()[0], (Bucket{9, 1, 2}));
  EXPECT_EQ(sparkline.Buckets()[24], (Bucket{5, 48, 0}));
}

TEST(SparklineTest, ASpikeStays) {
  Sparkline sparkline;
  for (int64_t step = 0; step < 1'000'000; ++step) {
    sparkline.Add(step, {.temperature = step == 123'456 ? 99.0F : 1.0F, .mean = 1, .acted = 0});
  }
  // 1,000,000 / 32,768 = 30.5
  ASSERT_THAT(sparkline.Buckets(), SizeIs(31));
  EXPECT_EQ(sparkline.width(), 32'768);
  EXPECT_EQ(sparkline.Buckets()[3].temperature, 99);
}

TEST(SparklineTest, WhereNothingWasDecidedItGoesOn) {
  Sparkline sparkline;
  sparkline.Add(0, {.temperature = 3, .mean = 1, .acted = 1});
  sparkline.Add(3, {.temperature = 2, .mean = 0.5, .acted = 0});
  EXPECT_THAT(sparkline.Buckets(),
              ElementsAre(Bucket{3, 1, 1}, Bucket{3, 1, 0}, Bucket{3, 1, 0}, Bucket{2, 0.5, 0}));
}

TEST(SparklineTest, LateStepsCountWhereTheyBelong) {
  Sparkline sparkline;
  sparkline.Add(100, {.temperature = 1, .mean = 0.5, .acted = 0});
  sparkline.Add(101, {.temperature = 1, .mean = 0.25, .acted = 0});
  sparkline.Add(60, {.temperature = 7, .mean = 9, .acted = 1});
  EXPECT_EQ(sparkline.first_step(), 60);
  EXPECT_EQ(sparkline.last_step(), 101);
  EXPECT_EQ(sparkline.Buckets().front(), (Bucket{7, 9, 1}));
  sparkline.Add(0, {.temperature = 1, .mean = 1, .acted = 0});
  EXPECT_EQ(sparkline.width(), 4);
  sparkline.Add(99, {.temperature = 2, .mean = 8, .acted = 0});
  // Steps 96 to 99, and from 100 on: the late one has not become the last of its neighbours.
  EXPECT_EQ(sparkline.Buckets()[24], (Bucket{2, 8, 0}));
  EXPECT_EQ(sparkline.Buckets()[25], (Bucket{1, 0.25, 0}));
}

TEST(SparklineTest, TakesEveryStepThatThereCanBe) {
  Sparkline sparkline;
  sparkline.Add(0, {.temperature = 1, .mean = 1, .acted = 0});
  sparkline.Add((int64_t{1} << 62) - 1, {.temperature = 2, .mean = 2, .acted = 0});
  EXPECT_LE(sparkline.Buckets().size(), Sparkline::kMaxBuckets);
  EXPECT_EQ(sparkline.Buckets().back(), (Bucket{2, 2, 0}));
}

}  // namespace
}  // namespace lehr
