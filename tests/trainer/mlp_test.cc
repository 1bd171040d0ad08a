#include "trainer/mlp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <tuple>
#include <vector>

#include "trainer/initialization.h"
#include "trainer/losses.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;

void Set(Mlp& model, size_t tensor, const std::vector<float>& values) {
  ASSERT_EQ(model.tensors()[tensor].values.size(), values.size());
  std::copy(values.begin(), values.end(), model.tensors()[tensor].values.begin());
}

TEST(Architecture, HasAShortName) {
  EXPECT_EQ(ToString({.inputs = 784, .hidden = {256, 128}, .outputs = 10}), "784-256-128-10");
  EXPECT_EQ(
      ToString(
          {.inputs = 2, .hidden = {2}, .outputs = 1, .output = Architecture::Output::kSumOfUnits}),
      "2-2-sum");
}

TEST(SideOf, IsThatOfASquareWeight) {
  const Mlp model({.inputs = 2, .hidden = {3, 3, 1, 1}, .outputs = 2}, /*max_rows=*/1);
  std::vector<uint32_t> sides;
  for (const ModelTensor& tensor : model.tensors()) {
    sides.push_back(SideOf(tensor));
  }
  // Weight and bias of each layer; one unit is no width to pass on.
  EXPECT_THAT(sides, ElementsAre(0, 0, 3, 0, 0, 0, 0, 0, 0, 0));
}

TEST(Architecture, CountsItsParameters) {
  EXPECT_EQ(ParameterCount({.inputs = 64, .hidden = {32}, .outputs = 10}), 65 * 32 + 33 * 10);
  EXPECT_EQ(ParameterCount({.inputs = 5, .hidden = {}, .outputs = 3}), 18);
  // No weights and no bias after the units.
  EXPECT_EQ(
      ParameterCount(
          {.inputs = 2, .hidden = {2}, .outputs = 1, .output = Architecture::Output::kSumOfUnits}),
      6);
}

TEST(Mlp, NamesAndShapesAreThoseOfPyTorch) {
  Mlp model({.inputs = 3, .hidden = {4, 5}, .outputs = 2}, /*max_rows=*/1);
  std::vector<std::string> names;
  std::vector<std::vector<int64_t>> shapes;
  for (const ModelTensor& tensor : model.tensors()) {
    names.push_back(tensor.name);
    shapes.push_back(tensor.shape);
  }
  EXPECT_THAT(names, ElementsAre("layers.0.weight", "layers.0.bias", "layers.1.weight",
                                 "layers.1.bias", "layers.2.weight", "layers.2.bias"));
  EXPECT_THAT(shapes, ElementsAre(ElementsAre(4, 3), ElementsAre(4), ElementsAre(5, 4),
                                  ElementsAre(5), ElementsAre(2, 5), ElementsAre(2)));
}

TEST(Mlp, FanInIsThatOfTheLayer) {
  Mlp model({.inputs = 3, .hidden = {4}, .outputs = 2}, /*max_rows=*/1);
  EXPECT_EQ(model.tensors()[0].fan_in, 3);
  EXPECT_EQ(model.tensors()[1].fan_in, 3);
  EXPECT_EQ(model.tensors()[3].fan_in, 4);
}

// Of a network 2-2-1.
void SetByHand(Mlp& model) {
  Set(model, 0, {1, 2, -1, 1});
  Set(model, 1, {1, -5});
  Set(model, 2, {2, 7});
  Set(model, 3, {1});
}

// By hand: z = (1·1 + 2·3 + 1, −1·1 + 1·3 − 5) = (8, −3); ReLU (8, 0); output 2·8 + 7·0 + 1.
TEST(Mlp, ForwardByHand) {
  Mlp model({.inputs = 2, .hidden = {2}, .outputs = 1}, /*max_rows=*/2);
  SetByHand(model);
  const std::vector<float> inputs = {1, 3, 0, 0};
  EXPECT_THAT(model.Forward(inputs.data(), /*rows=*/2), ElementsAre(17, 3));
}

// The hidden units of the network above, then its output; of the latest rows alone.
TEST(Mlp, ShowsTheActivationsOfEachLayer) {
  Mlp model({.inputs = 2, .hidden = {2}, .outputs = 1}, /*max_rows=*/2);
  SetByHand(model);
  const std::vector<float> inputs = {1, 3, 0, 0};
  model.Forward(inputs.data(), /*rows=*/2);
  EXPECT_THAT(model.activations(0), ElementsAre(8, 0, 1, 0));
  EXPECT_THAT(model.activations(1), ElementsAre(17, 3));
  model.Forward(inputs.data(), /*rows=*/1);
  EXPECT_THAT(model.activations(0), ElementsAre(8, 0));
}

// By hand: the units of (−1, 1) are (ReLU(2), ReLU(−1)), of (1, −1) the other way round, of (1, 1)
// both 1.
TEST(Mlp, SumOfUnitsByHand) {
  Mlp model({.inputs = 2, .hidden = {2}, .outputs = 1, .output = Architecture::Output::kSumOfUnits},
            /*max_rows=*/3);
  Set(model, 0, {-1, 1, 1, -1});
  Set(model, 1, {0, 1});
  const std::vector<float> inputs = {-1, 1, 1, -1, 1, 1};
  EXPECT_THAT(model.Forward(inputs.data(), /*rows=*/3), ElementsAre(2, 3, 1));
}

// A ReLU that made 0 of it would hide a broken network from the losses.
TEST(Mlp, ReluKeepsNotANumber) {
  Mlp model({.inputs = 1, .hidden = {1}, .outputs = 1}, /*max_rows=*/1);
  Set(model, 0, {NAN});
  Set(model, 2, {1});
  const std::vector<float> inputs = {1};
  EXPECT_TRUE(std::isnan(model.Forward(inputs.data(), /*rows=*/1)[0]));
}

// "Dead data": a unit whose activation is exactly 0 gets no gradient.
TEST(Mlp, NoGradientFlowsThroughAUnitAtZero) {
  Mlp model({.inputs = 1, .hidden = {1}, .outputs = 1}, /*max_rows=*/1);
  Set(model, 0, {0});
  Set(model, 2, {1});
  const std::vector<float> inputs = {1};
  const std::vector<float> output_gradient = {1};
  model.Forward(inputs.data(), /*rows=*/1);
  model.Backward(inputs.data(), output_gradient.data(), /*rows=*/1);
  EXPECT_THAT(model.tensors()[0].gradient, ElementsAre(0));
  EXPECT_THAT(model.tensors()[1].gradient, ElementsAre(0));
  EXPECT_THAT(model.tensors()[3].gradient, ElementsAre(1));
}

TEST(Mlp, FewerRowsThanTheMostGiveTheSameOutputs) {
  Mlp model({.inputs = 3, .hidden = {8}, .outputs = 2}, /*max_rows=*/64);
  Initialize(InitialValues::kTorch, /*seed=*/1, model.tensors());
  const std::vector<float> inputs = {1, 2, 3, 4, 5, 6};
  const auto both = model.Forward(inputs.data(), /*rows=*/2);
  const std::vector<float> second(both.begin() + 2, both.end());
  const auto alone = model.Forward(inputs.data() + 3, /*rows=*/1);
  EXPECT_THAT(alone, ElementsAre(FloatEq(second[0]), FloatEq(second[1])));
}

// The network and its losses once more, plainly and in binary64: the oracle of the gradients.
class Oracle {
 public:
  Oracle(const Architecture& architecture, Loss loss) : architecture_(architecture), loss_(loss) {}

  double MeanLoss(const std::vector<std::vector<double>>& parameters,
                  const std::vector<float>& inputs, const std::vector<int32_t>& labels) const {
    double sum = 0;
    for (size_t row = 0; row < labels.size(); ++row) {
      const auto first = inputs.begin() + static_cast<int64_t>(row) * architecture_.inputs;
      sum +=
          ExampleLoss(Outputs(parameters, std::vector<double>(first, first + architecture_.inputs)),
                      labels[row]);
    }
    return sum / static_cast<double>(labels.size());
  }

 private:
  std::vector<double> Outputs(const std::vector<std::vector<double>>& parameters,
                              std::vector<double> x) const {
    const bool is_sum = architecture_.output == Architecture::Output::kSumOfUnits;
    for (size_t layer = 0; layer < parameters.size() / 2; ++layer) {
      const std::vector<double>& weight = parameters[2 * layer];
      std::vector<double> y = parameters[2 * layer + 1];
      for (size_t out = 0; out < y.size(); ++out) {
        for (size_t in = 0; in < x.size(); ++in) {
          y[out] += weight[out * x.size() + in] * x[in];
        }
        if (is_sum || layer + 1 < parameters.size() / 2) {
          y[out] = std::max(y[out], 0.0);
        }
      }
      x = y;
    }
    return is_sum ? std::vector<double>{x[0] + x[1] + x[2]} : x;
  }

  double ExampleLoss(const std::vector<double>& y, int32_t label) const {
    double sum = 0;
    if (loss_ == Loss::kSoftmaxCrossEntropy) {
      for (const double output : y) {
        sum += std::exp(output);
      }
      return std::log(sum) - y[label];
    }
    for (size_t i = 0; i < y.size(); ++i) {
      const double target = y.size() == 1 ? label : (static_cast<size_t>(label) == i ? 1 : 0);
      const double probability = 1 / (1 + std::exp(-y[i]));
      sum += loss_ == Loss::kMeanSquaredError
                 ? std::pow(y[i] - target, 2)
                 : -target * std::log(probability) - (1 - target) * std::log(1 - probability);
    }
    return sum / static_cast<double>(y.size());
  }

  const Architecture architecture_;
  const Loss loss_;
};

using GradientCase = std::tuple<Loss, int64_t, std::vector<int64_t>, Architecture::Output>;

class GradientTest : public ::testing::TestWithParam<GradientCase> {};

TEST_P(GradientTest, AgreesWithCentralDifferences) {
  constexpr int64_t kRows = 9;
  constexpr double kDifference = 1e-6;
  const auto& [loss, outputs, hidden, output] = GetParam();
  const Architecture architecture = {
      .inputs = 4, .hidden = hidden, .outputs = outputs, .output = output};
  Mlp model(architecture, kRows);
  std::mt19937_64 generator(1);
  std::normal_distribution<float> normal;
  std::vector<std::vector<double>> parameters;
  for (const ModelTensor& tensor : model.tensors()) {
    for (float& value : tensor.values) {
      value = 0.7F * normal(generator);
    }
    parameters.emplace_back(tensor.values.begin(), tensor.values.end());
  }
  std::vector<float> inputs(kRows * architecture.inputs);
  std::generate(inputs.begin(), inputs.end(), [&] { return normal(generator); });
  std::vector<int32_t> labels(kRows);
  std::generate(labels.begin(), labels.end(),
                [&generator, classes = std::max<int64_t>(outputs, 2)] {
                  return static_cast<int32_t>(generator() % classes);
                });

  std::vector<float> output_gradient(kRows * outputs);
  const auto model_outputs = model.Forward(inputs.data(), kRows);
  std::vector<float> losses(kRows);
  ComputeLosses(loss, model_outputs, labels, absl::MakeSpan(losses),
                absl::MakeSpan(output_gradient));
  model.Backward(inputs.data(), output_gradient.data(), kRows);

  const Oracle oracle(architecture, loss);
  for (size_t i = 0; i < parameters.size(); ++i) {
    for (size_t j = 0; j < parameters[i].size(); ++j) {
      const double value = parameters[i][j];
      parameters[i][j] = value + kDifference;
      const double above = oracle.MeanLoss(parameters, inputs, labels);
      parameters[i][j] = value - kDifference;
      const double below = oracle.MeanLoss(parameters, inputs, labels);
      parameters[i][j] = value;
      const double expected = (above - below) / (2 * kDifference);
      EXPECT_NEAR(model.tensors()[i].gradient[j], expected, 1e-5 * (1 + std::abs(expected)))
          << model.tensors()[i].name << "[" << j << "]";
    }
  }
}

const std::vector<std::vector<int64_t>> kDepths = {{}, {6}, {5, 7}, {6, 5, 4, 6, 5}};

INSTANTIATE_TEST_SUITE_P(SoftmaxCrossEntropy, GradientTest,
                         ::testing::Combine(::testing::Values(Loss::kSoftmaxCrossEntropy),
                                            ::testing::Values(2, 4), ::testing::ValuesIn(kDepths),
                                            ::testing::Values(Architecture::Output::kLinear)));
INSTANTIATE_TEST_SUITE_P(BinaryCrossEntropy, GradientTest,
                         ::testing::Combine(::testing::Values(Loss::kBinaryCrossEntropy),
                                            ::testing::Values(1, 3), ::testing::ValuesIn(kDepths),
                                            ::testing::Values(Architecture::Output::kLinear)));
INSTANTIATE_TEST_SUITE_P(MeanSquaredError, GradientTest,
                         ::testing::Combine(::testing::Values(Loss::kMeanSquaredError),
                                            ::testing::Values(1, 3), ::testing::ValuesIn(kDepths),
                                            ::testing::Values(Architecture::Output::kLinear)));
INSTANTIATE_TEST_SUITE_P(
    SumOfUnits, GradientTest,
    ::testing::Combine(::testing::Values(Loss::kMeanSquaredError, Loss::kBinaryCrossEntropy),
                       ::testing::Values(1),
                       ::testing::Values(std::vector<int64_t>{3}, std::vector<int64_t>{5, 3}),
                       ::testing::Values(Architecture::Output::kSumOfUnits)));

}  // namespace
}  // namespace lehr
