#include "trainer/tasks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "tests/temporary_folder.h"
#include "tests/trainer/write_gzip.h"

namespace lehr {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;

TEST(Tasks, DefaultsAreFoundByTheirTask) {
  for (const TaskDefaults& defaults : AllTasks()) {
    EXPECT_EQ(&DefaultsOf(defaults.task), &defaults) << defaults.name;
  }
}

TEST(XorData, HasFourCornersAndNoTestSet) {
  for (const Task task : {Task::kXorReluSum, Task::kXor}) {
    const auto data = LoadData(task, {});
    ASSERT_TRUE(data.ok());
    EXPECT_THAT(data->train.inputs, ElementsAre(-1, -1, -1, 1, 1, -1, 1, 1));
    EXPECT_THAT(data->train.labels, ElementsAre(0, 1, 1, 0));
    EXPECT_EQ(data->test.size(), 0);
    EXPECT_EQ(data->features, 2);
    EXPECT_EQ(data->classes, 2);
  }
}

TEST(SpiralsData, HasTwoArmsWithinTheDisc) {
  const auto data = LoadData(Task::kSpirals, {.seed = 1});
  ASSERT_TRUE(data.ok());
  EXPECT_EQ(data->train.size(), 200);
  EXPECT_EQ(data->test.size(), 200);
  EXPECT_THAT(data->train.inputs, Each(AllOf(Ge(-1.03F), Le(1.03F))));
  EXPECT_EQ(std::count(data->train.labels.begin(), data->train.labels.end(), 1), 100);
}

// One and a half turns: the radius tells the angle, up to the jitter.
TEST(SpiralsData, AnglesGrowWithTheRadius) {
  const auto data = LoadData(Task::kSpirals, {.seed = 1});
  ASSERT_TRUE(data.ok());
  for (int64_t i = 0; i < data->train.size(); ++i) {
    const double x = data->train.inputs[2 * i];
    const double y = data->train.inputs[2 * i + 1];
    const double radius = std::hypot(x, y);
    const double angle = M_PI * (3 * radius + data->train.labels[i]);
    // Jitter of 0.02 each way moves the radius, and with it the angle's point, by up to 0.03.
    EXPECT_NEAR(x, radius * std::cos(angle), 0.03 * (1 + 3 * M_PI * radius)) << i;
    EXPECT_NEAR(y, radius * std::sin(angle), 0.03 * (1 + 3 * M_PI * radius)) << i;
  }
}

TEST(SpiralsData, TheSeedDrawsThePoints) {
  const auto points = [](uint64_t seed) {
    return LoadData(Task::kSpirals, {.seed = seed})->train.inputs;
  };
  EXPECT_EQ(points(1), points(1));
  EXPECT_NE(points(1), points(2));
}

TEST(SpiralsData, TestPointsAreOthers) {
  const auto data = LoadData(Task::kSpirals, {.seed = 1});
  EXPECT_NE(data->train.inputs, data->test.inputs);
}

TEST(DigitsData, ReadsDebiansFile) {
  const auto data = LoadData(Task::kDigits, {});
  if (absl::IsNotFound(data.status())) {
    GTEST_SKIP() << data.status();
  }
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->train.size() + data->test.size(), 1797);
  EXPECT_EQ(data->test.size(), 359);
  EXPECT_EQ(data->features, 64);
  EXPECT_EQ(data->classes, 10);
  EXPECT_THAT(data->train.inputs, Each(AllOf(Ge(0.0F), Le(1.0F))));
}

TEST(DigitsData, RefusesAnotherTable) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("iris.csv", "1,2,a\n3,4,b\n");
  const absl::Status status = LoadData(Task::kDigits, {.path = path}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path + " has 2 features and 2 classes"));
}

TEST(FashionMnistData, ReadsDebiansFiles) {
  const auto data = LoadData(Task::kFashionMnist, {});
  if (absl::IsNotFound(data.status())) {
    GTEST_SKIP() << data.status();
  }
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->train.size(), 60'000);
  EXPECT_EQ(data->test.size(), 10'000);
  EXPECT_EQ(data->features, 784);
  EXPECT_EQ(std::count(data->train.labels.begin(), data->train.labels.end(), 9), 6000);
  EXPECT_EQ(*std::max_element(data->train.inputs.begin(), data->train.inputs.end()), 1.0F);
}

// A folder with the four files; a test spoils one.
class FashionMnistFolder {
 public:
  FashionMnistFolder() {
    Set("train-images-idx3-ubyte.gz", Images(2, 28));
    Set("train-labels-idx1-ubyte.gz", Labels({3, 9}));
    Set("t10k-images-idx3-ubyte.gz", Images(1, 28));
    Set("t10k-labels-idx1-ubyte.gz", Labels({0}));
  }

  void Set(const std::string& name, const std::string& content) {
    WriteGzip(folder_, name, content);
  }
  void Remove(const std::string& name) { std::filesystem::remove(folder_.Path(name)); }

  absl::StatusOr<Dataset> Load() const {
    return LoadData(Task::kFashionMnist, {.path = folder_.Path("")});
  }

  // Pixels 0, 1, 2, ... 255, 0, ....
  static std::string Images(char count, char side) {
    std::string bytes({0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, side, 0, 0, 0, side});
    for (int i = 0; i < count * side * side; ++i) {
      bytes.push_back(static_cast<char>(i));
    }
    return bytes;
  }
  static std::string Labels(const std::string& labels) {
    return std::string({0, 0, 8, 1, 0, 0, 0, static_cast<char>(labels.size())}) + labels;
  }

 private:
  TemporaryFolder folder_;
};

TEST(FashionMnistData, ScalesPixelsAndTakesTrainAndTest) {
  const FashionMnistFolder folder;
  const auto data = folder.Load();
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->train.labels, ElementsAre(3, 9));
  EXPECT_THAT(data->test.labels, ElementsAre(0));
  EXPECT_EQ(data->train.inputs.size(), 2U * 784);
  EXPECT_EQ(data->train.inputs[51], 0.2F);
  EXPECT_EQ(data->train.inputs[255], 1.0F);
}

TEST(FashionMnistData, NamesTheMissingFile) {
  FashionMnistFolder folder;
  folder.Remove("t10k-labels-idx1-ubyte.gz");
  const absl::Status status = folder.Load().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("t10k-labels-idx1-ubyte.gz"));
}

TEST(FashionMnistData, RefusesImagesOfAnotherSize) {
  FashionMnistFolder folder;
  folder.Set("train-images-idx3-ubyte.gz", FashionMnistFolder::Images(2, 27));
  EXPECT_THAT(std::string(folder.Load().status().message()),
              HasSubstr("has images of 27 × 27 pixels"));
}

TEST(FashionMnistData, RefusesAnotherCountOfLabels) {
  FashionMnistFolder folder;
  folder.Set("train-labels-idx1-ubyte.gz", FashionMnistFolder::Labels({3, 9, 1}));
  EXPECT_THAT(std::string(folder.Load().status().message()),
              HasSubstr("has 3 labels for 2 images"));
}

TEST(FashionMnistData, RefusesAnUnknownLabel) {
  FashionMnistFolder folder;
  folder.Set("train-labels-idx1-ubyte.gz", FashionMnistFolder::Labels({3, 10}));
  EXPECT_THAT(std::string(folder.Load().status().message()),
              HasSubstr("label 10 of image 1 is not in 0..9"));
}

// 10 rows: 2 for the test set; features of the training set have mean 0.
TEST(CsvData, IsSplitAndStandardized) {
  const TemporaryFolder folder;
  std::string content = "x,y,kind\n";
  for (int i = 0; i < 10; ++i) {
    content += std::to_string(i) + ",7," + (i % 2 == 0 ? "even" : "odd") + "\n";
  }
  const auto data =
      LoadData(Task::kCsv, {.path = folder.Write("a.csv", content), .label_column = "kind"});
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->train.size(), 8);
  EXPECT_EQ(data->test.size(), 2);
  EXPECT_EQ(data->classes, 2);
  double sum = 0;
  for (int64_t i = 0; i < 8; ++i) {
    sum += data->train.inputs[2 * i];
    EXPECT_EQ(data->train.inputs[2 * i + 1], 0);
  }
  EXPECT_NEAR(sum, 0, 1e-6);
}

}  // namespace
}  // namespace lehr
