#include "trainer/tasks.h"

#include <cmath>
#include <cstddef>
#include <numbers>
#include <random>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "trainer/csv_file.h"
#include "trainer/idx_file.h"
#include "trainer/random.h"

namespace lehr {
namespace {

constexpr char kDebianDigits[] =
    "/usr/lib/python3/dist-packages/sklearn/datasets/data/digits.csv.gz";
constexpr char kDebianFashionMnist[] = "/usr/share/datasets/fashion-mnist";

// All four corners of the square ±1; class 1 where the signs differ.
Dataset Xor() {
  return {
      .train = {.inputs = {-1, -1, -1, 1, 1, -1, 1, 1}, .labels = {0, 1, 1, 0}},
      .features = 2,
      .classes = 2,
  };
}

constexpr int64_t kSpiralPointsPerClass = 100;
constexpr double kSpiralTurns = 1.5;
constexpr double kSpiralJitter = 0.02;

// Two interleaved arms from the middle of the unit disc to its edge, each point moved by up to the
// jitter.
Examples Spirals(std::mt19937_64& generator) {
  Examples examples;
  for (int64_t i = 0; i < 2 * kSpiralPointsPerClass; ++i) {
    const auto label = static_cast<int32_t>(i % 2);
    const double radius = 0.05 + 0.95 * UniformUnit(generator);
    const double angle = std::numbers::pi * (2.0 * kSpiralTurns * radius + label);
    const double jitter_x = kSpiralJitter * (2.0 * UniformUnit(generator) - 1.0);
    const double jitter_y = kSpiralJitter * (2.0 * UniformUnit(generator) - 1.0);
    examples.inputs.push_back(static_cast<float>(radius * std::cos(angle) + jitter_x));
    examples.inputs.push_back(static_cast<float>(radius * std::sin(angle) + jitter_y));
    examples.labels.push_back(label);
  }
  return examples;
}

Dataset TwoSpirals(uint64_t seed) {
  std::mt19937_64 generator(StreamSeed(seed, RandomStream::kSpirals, /*index=*/0));
  Dataset dataset = {.features = 2, .classes = 2};
  dataset.train = Spirals(generator);
  dataset.test = Spirals(generator);
  return dataset;
}

absl::StatusOr<Dataset> Digits(const std::string& path, uint64_t split_seed) {
  constexpr int64_t kPixels = 64;
  constexpr float kBrightest = 16.0F;
  absl::StatusOr<LabelledCsv> csv = ReadLabelledCsv(path, /*label_column=*/"");
  if (!csv.ok()) {
    return csv.status();
  }
  if (csv->features != kPixels || csv->classes.size() > 10) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, " has ", csv->features, " features and ", csv->classes.size(),
        " classes; the digits have ", kPixels, " and 10 (any other file is --task=csv)"));
  }
  for (float& pixel : csv->examples.inputs) {
    pixel /= kBrightest;
  }
  return SplitForTest(csv->examples, kPixels, /*classes=*/10, split_seed);
}

absl::StatusOr<Examples> FashionMnistPart(const std::string& folder, const std::string& part) {
  const std::string images_path = absl::StrCat(folder, "/", part, "-images-idx3-ubyte.gz");
  const std::string labels_path = absl::StrCat(folder, "/", part, "-labels-idx1-ubyte.gz");
  const absl::StatusOr<IdxBytes> images = ReadIdxFile(images_path, /*dimensions=*/3);
  if (!images.ok()) {
    return images.status();
  }
  const absl::StatusOr<IdxBytes> labels = ReadIdxFile(labels_path, /*dimensions=*/1);
  if (!labels.ok()) {
    return labels.status();
  }
  if (images->shape[1] != 28 || images->shape[2] != 28) {
    return absl::InvalidArgumentError(absl::StrCat(images_path, " has images of ", images->shape[1],
                                                   " × ", images->shape[2],
                                                   " pixels, not 28 × 28"));
  }
  if (labels->shape[0] != images->shape[0]) {
    return absl::InvalidArgumentError(absl::StrCat(labels_path, " has ", labels->shape[0],
                                                   " labels for ", images->shape[0], " images"));
  }
  Examples examples;
  examples.inputs.reserve(images->values.size());
  for (const char pixel : images->values) {
    examples.inputs.push_back(static_cast<float>(static_cast<uint8_t>(pixel)) / 255.0F);
  }
  for (size_t i = 0; i < labels->values.size(); ++i) {
    const int32_t label = static_cast<uint8_t>(labels->values[i]);
    if (label > 9) {
      return absl::InvalidArgumentError(
          absl::StrCat(labels_path, ": label ", label, " of image ", i, " is not in 0..9"));
    }
    examples.labels.push_back(label);
  }
  return examples;
}

absl::StatusOr<Dataset> FashionMnist(const std::string& folder) {
  absl::StatusOr<Examples> train = FashionMnistPart(folder, "train");
  if (!train.ok()) {
    return train.status();
  }
  absl::StatusOr<Examples> test = FashionMnistPart(folder, "t10k");
  if (!test.ok()) {
    return test.status();
  }
  return Dataset{
      .train = *std::move(train), .test = *std::move(test), .features = 28 * 28, .classes = 10};
}

absl::StatusOr<Dataset> Csv(const DataSource& source) {
  const absl::StatusOr<LabelledCsv> csv = ReadLabelledCsv(source.path, source.label_column);
  if (!csv.ok()) {
    return csv.status();
  }
  Dataset dataset =
      SplitForTest(csv->examples, csv->features, static_cast<int64_t>(csv->classes.size()),
                   StreamSeed(source.seed, RandomStream::kSplit, /*index=*/0));
  Standardize(dataset);
  return dataset;
}

// A package that is not installed is the likeliest reason for a missing file.
absl::Status WithPackageHint(const absl::Status& status, const DataSource& source,
                             std::string_view package) {
  if (!absl::IsNotFound(status) || !source.path.empty()) {
    return status;
  }
  return absl::NotFoundError(absl::StrCat(std::string(status.message()), "; Debian's package ",
                                          std::string(package), " has it, or name it by --data"));
}

}  // namespace

absl::Span<const TaskDefaults> AllTasks() {
  static const auto& tasks = *new std::vector<TaskDefaults>{
      {
          .task = Task::kXorReluSum,
          .name = "xor-relu-sum",
          .summary = "the paper's XOR: two ReLU units, summed",
          .output = Architecture::Output::kSumOfUnits,
          .hidden = {2},
          .initial = InitialValues::kPaper,
          .loss = Loss::kMeanSquaredError,
          .optimizer = {.kind = OptimizerKind::kAdam, .learning_rate = 0.01, .beta2 = 0.99},
          .steps = 5000,
          .batch_size = 0,
          .stop_loss = 1e-7,
          .base_noise_level = 0.1,
          .min_imbalance = 0.1,
      },
      {
          .task = Task::kXor,
          .name = "xor",
          .summary = "XOR with a multi-layer perceptron",
          .output = Architecture::Output::kLinear,
          .hidden = {4},
          .initial = InitialValues::kTorch,
          .loss = Loss::kBinaryCrossEntropy,
          .optimizer = {},
          .steps = 10'000,
          .batch_size = 0,
          .stop_loss = 0,
          .base_noise_level = 1,
          .min_imbalance = 0,
      },
      {
          .task = Task::kSpirals,
          .name = "spirals",
          .summary = "two spirals in the plane, 200 points",
          .output = Architecture::Output::kLinear,
          .hidden = {16, 16},
          .initial = InitialValues::kTorch,
          .loss = Loss::kSoftmaxCrossEntropy,
          .optimizer = {},
          .steps = 20'000,
          .batch_size = 20,
          .stop_loss = 0,
          .base_noise_level = 1,
          .min_imbalance = 0,
      },
      {
          .task = Task::kDigits,
          .name = "digits",
          .summary = "scikit-learn's 1797 digits of 8 × 8 pixels",
          .output = Architecture::Output::kLinear,
          .hidden = {32},
          .initial = InitialValues::kTorch,
          .loss = Loss::kSoftmaxCrossEntropy,
          .optimizer = {},
          .steps = 4600,
          .batch_size = 64,
          .stop_loss = 0,
          .base_noise_level = 1,
          .min_imbalance = 0,
      },
      {
          .task = Task::kFashionMnist,
          .name = "fashion-mnist",
          .summary = "70,000 images of clothes",
          .output = Architecture::Output::kLinear,
          .hidden = {256, 128},
          .initial = InitialValues::kTorch,
          .loss = Loss::kSoftmaxCrossEntropy,
          .optimizer = {.learning_rate = 0.03, .momentum = 0.9},
          .steps = 4690,
          .batch_size = 128,
          .stop_loss = 0,
          .base_noise_level = 1,
          .min_imbalance = 0,
      },
      {
          .task = Task::kCsv,
          .name = "csv",
          .summary = "any CSV file of numbers with a label column (--data)",
          .output = Architecture::Output::kLinear,
          .hidden = {32},
          .initial = InitialValues::kTorch,
          .loss = Loss::kSoftmaxCrossEntropy,
          .optimizer = {},
          .steps = 5000,
          .batch_size = 32,
          .stop_loss = 0,
          .base_noise_level = 1,
          .min_imbalance = 0,
      },
  };
  return tasks;
}

const TaskDefaults& DefaultsOf(Task task) { return AllTasks()[static_cast<size_t>(task)]; }

absl::StatusOr<Dataset> LoadData(Task task, const DataSource& source) {
  switch (task) {
    case Task::kXorReluSum:
    case Task::kXor:
      return Xor();
    case Task::kSpirals:
      return TwoSpirals(source.seed);
    case Task::kDigits: {
      absl::StatusOr<Dataset> data =
          Digits(source.path.empty() ? kDebianDigits : source.path,
                 StreamSeed(source.seed, RandomStream::kSplit, /*index=*/0));
      return data.ok() ? std::move(data)
                       : WithPackageHint(data.status(), source, "python3-sklearn");
    }
    case Task::kFashionMnist: {
      absl::StatusOr<Dataset> data =
          FashionMnist(source.path.empty() ? kDebianFashionMnist : source.path);
      return data.ok() ? std::move(data)
                       : WithPackageHint(data.status(), source, "dataset-fashion-mnist");
    }
    case Task::kCsv:
      return Csv(source);
  }
  return absl::InternalError("a task without data");
}

}  // namespace lehr
