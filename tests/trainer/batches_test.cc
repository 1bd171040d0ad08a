#include "trainer/batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace lehr {
namespace {

using ::testing::ElementsAre;

// Example i has the features (i, −i) and the label i % 3.
Examples Numbered(int count) {
  Examples examples;
  for (int i = 0; i < count; ++i) {
    examples.inputs.push_back(static_cast<float>(i));
    examples.inputs.push_back(static_cast<float>(-i));
    examples.labels.push_back(i % 3);
  }
  return examples;
}

std::vector<uint64_t> EpochOrder(Batches& batches, int64_t epoch) {
  std::vector<uint64_t> order;
  for (int64_t i = 0; i < batches.steps_per_epoch(); ++i) {
    const Batch batch = batches.At(epoch * batches.steps_per_epoch() + i);
    order.insert(order.end(), batch.example_ids.begin(), batch.example_ids.end());
  }
  return order;
}

TEST(Batches, AnEpochHoldsEveryExampleOnce) {
  const Examples examples = Numbered(10);
  Batches batches(examples, /*features=*/2, /*batch_size=*/4, /*seed=*/1);
  EXPECT_EQ(batches.steps_per_epoch(), 3);
  std::vector<uint64_t> order = EpochOrder(batches, /*epoch=*/0);
  std::sort(order.begin(), order.end());
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST(Batches, TheLastBatchOfAnEpochIsTheRest) {
  const Examples examples = Numbered(10);
  Batches batches(examples, /*features=*/2, /*batch_size=*/4, /*seed=*/1);
  EXPECT_EQ(batches.At(2).example_ids.size(), 2U);
  EXPECT_EQ(batches.At(2).labels.size(), 2U);
}

TEST(Batches, InputsAndLabelsBelongToTheIds) {
  const Examples examples = Numbered(10);
  Batches batches(examples, /*features=*/2, /*batch_size=*/4, /*seed=*/1);
  for (int64_t step = 0; step < 6; ++step) {
    const Batch batch = batches.At(step);
    for (size_t i = 0; i < batch.labels.size(); ++i) {
      const auto id = static_cast<float>(batch.example_ids[i]);
      EXPECT_EQ(batch.inputs[2 * i], id);
      EXPECT_EQ(batch.inputs[2 * i + 1], -id);
      EXPECT_EQ(batch.labels[i], static_cast<int32_t>(batch.example_ids[i] % 3));
    }
  }
}

TEST(Batches, EveryEpochHasItsOwnOrder) {
  const Examples examples = Numbered(50);
  Batches batches(examples, /*features=*/2, /*batch_size=*/7, /*seed=*/1);
  EXPECT_NE(EpochOrder(batches, /*epoch=*/0), EpochOrder(batches, /*epoch=*/1));
}

TEST(Batches, AnotherSeedHasAnotherOrder) {
  const Examples examples = Numbered(50);
  Batches one(examples, /*features=*/2, /*batch_size=*/7, /*seed=*/1);
  Batches two(examples, /*features=*/2, /*batch_size=*/7, /*seed=*/2);
  EXPECT_NE(EpochOrder(one, /*epoch=*/0), EpochOrder(two, /*epoch=*/0));
}

// What a resumed run relies on.
TEST(Batches, AStepsBatchDoesNotDependOnTheStepsBefore) {
  const Examples examples = Numbered(50);
  Batches from_start(examples, /*features=*/2, /*batch_size=*/7, /*seed=*/1);
  for (int64_t step = 0; step < 21; ++step) {
    from_start.At(step);
  }
  Batches resumed(examples, /*features=*/2, /*batch_size=*/7, /*seed=*/1);
  const Batch expected = from_start.At(21);
  const Batch actual = resumed.At(21);
  EXPECT_EQ(actual.example_ids, expected.example_ids);
  EXPECT_EQ(actual.labels, expected.labels);
}

TEST(Batches, AFullBatchKeepsTheOrderAndCopiesNothing) {
  const Examples examples = Numbered(10);
  Batches batches(examples, /*features=*/2, /*batch_size=*/10, /*seed=*/1);
  const Batch batch = batches.At(5);
  EXPECT_EQ(batch.inputs, examples.inputs.data());
  EXPECT_THAT(batch.example_ids, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST(Batches, AGreaterBatchThanTheDataIsAFullBatch) {
  const Examples examples = Numbered(10);
  Batches batches(examples, /*features=*/2, /*batch_size=*/1'000'000, /*seed=*/1);
  EXPECT_EQ(batches.steps_per_epoch(), 1);
  EXPECT_EQ(batches.At(3).labels.size(), 10U);
}

// 7 examples for 3 ranks.
TEST(Batches, SharesAreConsecutivePartsOfTheBatch) {
  for (const int64_t batch_size : {7, 1000}) {
    const Examples examples = Numbered(batch_size == 7 ? 50 : 7);
    Batches whole(examples, /*features=*/2, batch_size, /*seed=*/1);
    const Batch expected = whole.At(2);
    std::vector<uint64_t> ids;
    std::vector<size_t> sizes;
    for (int64_t rank = 0; rank < 3; ++rank) {
      Batches batches(examples, /*features=*/2, batch_size, /*seed=*/1, {.rank = rank, .ranks = 3});
      const Batch share = batches.At(2);
      EXPECT_EQ(share.all_example_ids, expected.all_example_ids);
      EXPECT_EQ(share.share_begin, static_cast<int64_t>(ids.size()));
      ids.insert(ids.end(), share.example_ids.begin(), share.example_ids.end());
      sizes.push_back(share.labels.size());
      for (size_t row = 0; row < share.example_ids.size(); ++row) {
        EXPECT_EQ(share.labels[row], examples.labels[share.example_ids[row]]);
        EXPECT_EQ(share.inputs[2 * row], examples.inputs[2 * share.example_ids[row]]);
      }
    }
    EXPECT_EQ(absl::MakeConstSpan(ids), expected.example_ids);
    EXPECT_THAT(sizes, ElementsAre(2, 2, 3));
  }
}

TEST(Batches, SomeSharesOfASmallBatchAreEmpty) {
  const Examples examples = Numbered(10);
  size_t total = 0;
  for (int64_t rank = 0; rank < 4; ++rank) {
    Batches batches(examples, /*features=*/2, /*batch_size=*/2, /*seed=*/1,
                    {.rank = rank, .ranks = 4});
    total += batches.At(0).example_ids.size();
  }
  EXPECT_EQ(total, 2);
}

}  // namespace
}  // namespace lehr
