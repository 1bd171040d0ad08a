#include "trainer/initialization.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "tests/trainer/golden.h"

namespace lehr {
namespace {

using ::testing::Each;

const Architecture kWide = {.inputs = 200, .hidden = {300}, .outputs = 400};

double Mean(absl::Span<const float> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double Stddev(absl::Span<const float> values) {
  double squares = 0;
  for (const float value : values) {
    squares += static_cast<double>(value) * value;
  }
  return std::sqrt(squares / static_cast<double>(values.size()));
}

void ExpectGolden(InitialValues initial, const std::string& name) {
  Mlp model({.inputs = 3, .hidden = {4}, .outputs = 2}, /*max_rows=*/1);
  Initialize(initial, /*seed=*/5, model.tensors());
  const nlohmann::json golden = ReadGolden("random_golden.json").at(name);
  for (size_t i = 0; i < model.tensors().size(); ++i) {
    for (size_t j = 0; j < model.tensors()[i].values.size(); ++j) {
      EXPECT_FLOAT_EQ(model.tensors()[i].values[j], golden.at(i).at(j).get<float>())
          << model.tensors()[i].name << "[" << j << "]";
    }
  }
}

// The same seed starts the same network on every machine.
TEST(Initialize, TorchMatchesTheOracle) { ExpectGolden(InitialValues::kTorch, "torch_seed_5"); }
TEST(Initialize, HeMatchesTheOracle) { ExpectGolden(InitialValues::kHe, "he_seed_5"); }

TEST(Initialize, TorchIsUniformOverOneByTheRootOfFanIn) {
  Mlp model(kWide, /*max_rows=*/1);
  Initialize(InitialValues::kTorch, /*seed=*/1, model.tensors());
  for (const ModelTensor& tensor : model.tensors()) {
    const double bound = 1 / std::sqrt(tensor.fan_in);
    const auto [least, greatest] = std::minmax_element(tensor.values.begin(), tensor.values.end());
    EXPECT_GE(*least, -bound);
    EXPECT_LE(*greatest, bound);
    EXPECT_LT(*least, -0.95 * bound);
    EXPECT_GT(*greatest, 0.95 * bound);
    EXPECT_FLOAT_EQ(tensor.reference_stddev, static_cast<float>(bound / std::sqrt(3)));
    EXPECT_NEAR(Stddev(tensor.values), bound / std::sqrt(3), 0.1 * bound) << tensor.name;
  }
}

// 60,000 and 120,000 values: five standard errors are 1.5 % of a standard deviation, 2 % of a mean.
TEST(Initialize, HeIsNormalWithTwoByFanIn) {
  Mlp model(kWide, /*max_rows=*/1);
  Initialize(InitialValues::kHe, /*seed=*/1, model.tensors());
  for (const size_t weight : {0, 2}) {
    const ModelTensor& tensor = model.tensors()[weight];
    const double stddev = std::sqrt(2.0 / static_cast<double>(tensor.fan_in));
    EXPECT_NEAR(Stddev(tensor.values), stddev, 0.015 * stddev);
    EXPECT_NEAR(Mean(tensor.values), 0, 0.021 * stddev);
    EXPECT_FLOAT_EQ(tensor.reference_stddev, static_cast<float>(stddev));
    // A normal variable exceeds two standard deviations 4.55 times in 100.
    const auto beyond =
        std::count_if(tensor.values.begin(), tensor.values.end(),
                      [stddev](float value) { return std::abs(value) > 2 * stddev; });
    EXPECT_NEAR(static_cast<double>(beyond) / static_cast<double>(tensor.values.size()), 0.0455,
                0.0045);
  }
}

TEST(Initialize, HeStartsBiasesAtZero) {
  Mlp model(kWide, /*max_rows=*/1);
  Initialize(InitialValues::kTorch, /*seed=*/1, model.tensors());
  Initialize(InitialValues::kHe, /*seed=*/1, model.tensors());
  for (const size_t bias : {1, 3}) {
    const ModelTensor& tensor = model.tensors()[bias];
    EXPECT_THAT(tensor.values, Each(0.0F));
    EXPECT_FLOAT_EQ(tensor.reference_stddev, static_cast<float>(1 / std::sqrt(tensor.fan_in)));
  }
}

// Standard deviation, not variance; and whatever the fan-in is.
TEST(Initialize, ThePapersWeightsHaveStandardDeviationOneHalf) {
  Mlp model(kWide, /*max_rows=*/1);
  Initialize(InitialValues::kPaper, /*seed=*/1, model.tensors());
  EXPECT_NEAR(Stddev(model.tensors()[0].values), 0.5, 0.0075);
  EXPECT_NEAR(Stddev(model.tensors()[2].values), 0.5, 0.0075);
  EXPECT_THAT(model.tensors()[1].values, Each(0.0F));
  EXPECT_FLOAT_EQ(model.tensors()[0].reference_stddev, 0.5F);
}

TEST(Initialize, TheSeedDecides) {
  const auto first_values = [](uint64_t seed) {
    Mlp model(kWide, /*max_rows=*/1);
    Initialize(InitialValues::kTorch, seed, model.tensors());
    const auto values = model.tensors()[0].values.first(10);
    return std::vector<float>(values.begin(), values.end());
  };
  EXPECT_EQ(first_values(1), first_values(1));
  EXPECT_NE(first_values(1), first_values(2));
}

TEST(Initialize, TensorsDoNotRepeatEachOther) {
  Mlp model({.inputs = 8, .hidden = {8}, .outputs = 8}, /*max_rows=*/1);
  Initialize(InitialValues::kTorch, /*seed=*/1, model.tensors());
  EXPECT_NE(model.tensors()[0].values, model.tensors()[2].values);
}

}  // namespace
}  // namespace lehr
