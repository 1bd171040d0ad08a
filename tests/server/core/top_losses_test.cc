#include "server/core/top_losses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace lehr {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TopLosses Of(const std::vector<ExampleLoss>& examples, size_t capacity) {
  TopLosses top(capacity);
  for (const ExampleLoss& example : examples) {
    top.Add({example.loss}, {example.example_id});
  }
  return top;
}

TEST(TopLosses, KeepsTheHighestInOrder) {
  TopLosses top(/*capacity=*/3);
  top.Add({0.5f, 4.0f, 1.0f, 3.0f, 2.0f}, {10, 11, 12, 13, 14});
  EXPECT_THAT(top.entries(),
              ElementsAre(ExampleLoss{11, 4.0f}, ExampleLoss{13, 3.0f}, ExampleLoss{14, 2.0f}));
  EXPECT_EQ(top.max(), 4.0f);
}

TEST(TopLosses, KeepsSixteenByDefault) {
  TopLosses top;
  for (uint64_t id = 0; id < 100; ++id) {
    top.Add({static_cast<float>(id)}, {id});
  }
  EXPECT_EQ(top.entries().size(), 16u);
  EXPECT_EQ(top.entries().back(), (ExampleLoss{84, 84.0f}));
}

TEST(TopLosses, TiesGoToTheLowestId) {
  EXPECT_THAT(Of({{7, 1.0f}, {3, 1.0f}, {5, 1.0f}}, /*capacity=*/2).entries(),
              ElementsAre(ExampleLoss{3, 1.0f}, ExampleLoss{5, 1.0f}));
}

// Samplers pad with examples that they have drawn already.
TEST(TopLosses, AnExampleOccursOnceWithItsHighestLoss) {
  EXPECT_THAT(Of({{1, 2.0f}, {2, 3.0f}, {1, 5.0f}, {1, 4.0f}}, /*capacity=*/2).entries(),
              ElementsAre(ExampleLoss{1, 5.0f}, ExampleLoss{2, 3.0f}));
}

// The oracle sorts all of them.
TEST(TopLosses, AnyOrderAndSplitGivesTheSameEntries) {
  std::mt19937_64 generator(1);
  std::vector<ExampleLoss> examples;
  std::vector<float> highest(300, -1);
  for (int i = 0; i < 2000; ++i) {
    // Few losses and ids, so that both repeat.
    const uint64_t id = generator() % highest.size();
    const float loss = static_cast<float>(generator() % 40);
    examples.push_back({.example_id = id, .loss = loss});
    highest[id] = std::max(highest[id], loss);
  }
  std::vector<ExampleLoss> expected;
  for (uint64_t id = 0; id < highest.size(); ++id) {
    if (highest[id] >= 0) {
      expected.push_back({.example_id = id, .loss = highest[id]});
    }
  }
  std::stable_sort(expected.begin(), expected.end(),
                   [](const ExampleLoss& a, const ExampleLoss& b) { return a.loss > b.loss; });
  expected.resize(16);

  for (int trial = 0; trial < 20; ++trial) {
    std::shuffle(examples.begin(), examples.end(), generator);
    const auto middle = examples.begin() + generator() % examples.size();
    TopLosses top = Of({middle, examples.end()}, /*capacity=*/16);
    top.Merge(Of({examples.begin(), middle}, /*capacity=*/16));
    EXPECT_EQ(top.entries(), expected);
    EXPECT_EQ(top.max(), expected.front().loss);
  }
}

TEST(TopLosses, LeavesOutWhatReachesNoSum) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  TopLosses top;
  top.Add({std::nanf(""), kInfinity, -kInfinity, -1.0f, 0.5f}, {1, 2, 3, 4, 5});
  EXPECT_THAT(top.entries(), ElementsAre(ExampleLoss{5, 0.5f}));
  EXPECT_EQ(top.max(), 0.5f);
}

TEST(TopLosses, MinusZeroIsZero) {
  TopLosses top;
  top.Add({-0.0f}, {1});
  ASSERT_EQ(top.entries().size(), 1u);
  EXPECT_FALSE(std::signbit(top.entries()[0].loss));
}

TEST(TopLosses, WithoutIdsOnlyTheMaximumIsKept) {
  TopLosses top;
  top.Add({0.5f, 2.0f, 1.0f}, {});
  EXPECT_THAT(top.entries(), IsEmpty());
  EXPECT_EQ(top.max(), 2.0f);
}

TEST(TopLosses, TheOffsetIsAdded) {
  TopLosses top;
  top.Add({-0.5f, -2.0f}, {1, 2}, /*loss_offset=*/1.0f);
  EXPECT_THAT(top.entries(), ElementsAre(ExampleLoss{1, 0.5f}));
  EXPECT_EQ(top.max(), 0.5f);
}

TEST(TopLosses, OfNothingIsEmpty) {
  EXPECT_THAT(TopLosses().entries(), IsEmpty());
  EXPECT_EQ(TopLosses().max(), 0);
}

}  // namespace
}  // namespace lehr
