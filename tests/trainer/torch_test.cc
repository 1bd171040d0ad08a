// Losses, gradients and optimizer steps against PyTorch's on the same weights: against the golden
// file, or the one that the environment variable LEHR_TORCH_GOLDEN names.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "trainer/losses.h"
#include "trainer/mlp.h"
#include "trainer/optimizer.h"

namespace lehr {
namespace {

using Json = nlohmann::json;

// PyTorch computed in binary64.
constexpr double kTolerance = 2e-5;

std::vector<Json> Cases() {
  const char* path = std::getenv("LEHR_TORCH_GOLDEN");  // NOLINT(concurrency-mt-unsafe)
  std::ifstream file(path != nullptr ? path
                                     : LEHR_SOURCE_DIR "/tests/golden/trainer/torch_golden.json");
  return Json::parse(file).at("cases");
}

Loss LossNamed(const std::string& name) {
  return name == "softmax" ? Loss::kSoftmaxCrossEntropy
                           : (name == "bce" ? Loss::kBinaryCrossEntropy : Loss::kMeanSquaredError);
}

OptimizerSettings SettingsOf(const Json& optimizer) {
  OptimizerSettings settings = {.learning_rate = optimizer.at("learning_rate")};
  if (optimizer.at("kind") == "sgd") {
    settings.momentum = optimizer.at("momentum");
  } else {
    settings.kind = OptimizerKind::kAdam;
    settings.beta1 = optimizer.at("beta1");
    settings.beta2 = optimizer.at("beta2");
    settings.epsilon = optimizer.at("epsilon");
  }
  return settings;
}

void ExpectNear(absl::Span<const float> actual, const std::vector<double>& expected,
                const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_NEAR(actual[i], expected[i], kTolerance * (1 + std::abs(expected[i])))
        << what << "[" << i << "]";
  }
}

class TorchTest : public ::testing::TestWithParam<Json> {};

TEST_P(TorchTest, AgreesOnLossesGradientsAndTraining) {
  const Json& golden = GetParam();
  const std::vector<float> inputs = golden.at("x");
  const std::vector<int32_t> labels = golden.at("labels");
  const auto rows = static_cast<int64_t>(labels.size());
  const Loss loss = LossNamed(golden.at("loss"));
  Mlp model({.inputs = golden.at("inputs"),
             .hidden = golden.at("hidden"),
             .outputs = golden.at("outputs"),
             .output = golden.at("sum_of_units") ? Architecture::Output::kSumOfUnits
                                                 : Architecture::Output::kLinear},
            rows);
  for (size_t i = 0; i < model.tensors().size(); ++i) {
    const std::vector<float> values = golden.at("parameters").at(i);
    ASSERT_EQ(model.tensors()[i].values.size(), values.size());
    std::copy(values.begin(), values.end(), model.tensors()[i].values.begin());
  }
  Optimizer optimizer(SettingsOf(golden.at("optimizer")), model.tensors());
  std::vector<float> losses(rows);
  std::vector<float> output_gradient(rows * model.architecture().outputs);
  for (int step = 0; step < golden.at("steps"); ++step) {
    const auto outputs = model.Forward(inputs.data(), rows);
    ComputeLosses(loss, outputs, labels, absl::MakeSpan(losses), absl::MakeSpan(output_gradient));
    model.Backward(inputs.data(), output_gradient.data(), rows);
    if (step == 0) {
      ExpectNear(losses, golden.at("losses"), "loss");
      for (size_t i = 0; i < model.tensors().size(); ++i) {
        ExpectNear(model.tensors()[i].gradient, golden.at("gradients").at(i),
                   "gradient of " + model.tensors()[i].name);
      }
    }
    optimizer.Step();
  }
  for (size_t i = 0; i < model.tensors().size(); ++i) {
    ExpectNear(model.tensors()[i].values, golden.at("trained").at(i),
               "trained " + model.tensors()[i].name);
  }
}

INSTANTIATE_TEST_SUITE_P(All, TorchTest, ::testing::ValuesIn(Cases()), [](const auto& info) {
  std::string name = info.param.at("loss").template get<std::string>() + "_" +
                     std::to_string(info.param.at("outputs").template get<int>()) + "_depth" +
                     std::to_string(info.param.at("hidden").size()) + "_" +
                     info.param.at("optimizer").at("kind").template get<std::string>();
  return name + "_" + std::to_string(info.index);
});

}  // namespace
}  // namespace lehr
