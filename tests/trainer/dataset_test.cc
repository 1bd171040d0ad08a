#include "trainer/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;

Examples Numbered(int count) {
  Examples examples;
  for (int i = 0; i < count; ++i) {
    examples.inputs.push_back(static_cast<float>(i));
    examples.labels.push_back(i % 2);
  }
  return examples;
}

TEST(SplitForTest, DrawsAFifthAndKeepsEveryExampleOnce) {
  const Dataset dataset = SplitForTest(Numbered(14), /*features=*/1, /*classes=*/2, /*seed=*/1);
  EXPECT_EQ(dataset.train.size(), 12);
  EXPECT_EQ(dataset.test.size(), 2);
  std::vector<float> all = dataset.train.inputs;
  all.insert(all.end(), dataset.test.inputs.begin(), dataset.test.inputs.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, Numbered(14).inputs);
}

TEST(SplitForTest, LabelsStayWithTheirExamples) {
  const Dataset dataset = SplitForTest(Numbered(50), /*features=*/1, /*classes=*/2, /*seed=*/1);
  for (int64_t i = 0; i < dataset.test.size(); ++i) {
    EXPECT_EQ(dataset.test.labels[i], static_cast<int>(dataset.test.inputs[i]) % 2);
  }
}

TEST(SplitForTest, TheSeedDrawsTheTestSet) {
  const Examples examples = Numbered(100);
  const auto test_of = [&examples](uint64_t seed) {
    return SplitForTest(examples, /*features=*/1, /*classes=*/2, seed).test.inputs;
  };
  EXPECT_EQ(test_of(1), test_of(1));
  EXPECT_NE(test_of(1), test_of(2));
}

TEST(SplitForTest, FewExamplesAreAllForTraining) {
  const Dataset dataset = SplitForTest(Numbered(4), /*features=*/1, /*classes=*/2, /*seed=*/1);
  EXPECT_EQ(dataset.train.size(), 4);
  EXPECT_EQ(dataset.test.size(), 0);
}

// By hand: mean 4, standard deviation 2.
TEST(Standardize, ShiftsAndScalesByTheTrainingSet) {
  Dataset dataset = {
      .train = {{2, 6, 2, 6}, {0, 1, 0, 1}}, .test = {{8}, {0}}, .features = 1, .classes = 2};
  Standardize(dataset);
  EXPECT_THAT(dataset.train.inputs, ElementsAre(-1, 1, -1, 1));
  EXPECT_THAT(dataset.test.inputs, ElementsAre(2));
}

TEST(Standardize, EveryFeatureHasItsOwnScale) {
  Dataset dataset = {.train = {{1, 100, 3, 300}, {0, 1}}, .test = {}, .features = 2, .classes = 2};
  Standardize(dataset);
  EXPECT_THAT(dataset.train.inputs, ElementsAre(FloatNear(-1, 1e-6), FloatNear(-1, 1e-6),
                                                FloatNear(1, 1e-6), FloatNear(1, 1e-6)));
}

TEST(Standardize, AConstantFeatureBecomesZero) {
  Dataset dataset = {.train = {{7, 7}, {0, 1}}, .test = {{9}, {0}}, .features = 1, .classes = 2};
  Standardize(dataset);
  EXPECT_THAT(dataset.train.inputs, ElementsAre(0, 0));
  EXPECT_THAT(dataset.test.inputs, ElementsAre(0));
}

}  // namespace
}  // namespace lehr
