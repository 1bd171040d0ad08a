#include "trainer/optimizer.h"

#include <algorithm>
#include <cmath>

#include "trainer/kernels.h"

namespace lehr {
namespace {

AdamStep AdamStepAt(const OptimizerSettings& settings, double learning_rate, int64_t steps) {
  const auto t = static_cast<double>(steps);
  return {
      .beta1 = static_cast<float>(settings.beta1),
      .gain1 = static_cast<float>(1.0 - settings.beta1),
      .beta2 = static_cast<float>(settings.beta2),
      .gain2 = static_cast<float>(1.0 - settings.beta2),
      .step_size = static_cast<float>(learning_rate / (1.0 - std::pow(settings.beta1, t))),
      .root_correction = static_cast<float>(std::sqrt(1.0 - std::pow(settings.beta2, t))),
      .epsilon = static_cast<float>(settings.epsilon),
  };
}

}  // namespace

Optimizer::Optimizer(const OptimizerSettings& settings, absl::Span<const ModelTensor> tensors)
    : settings_(settings),
      learning_rate_(settings.learning_rate),
      tensors_(tensors),
      states_(tensors.size()) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    states_[i].first_moment.resize(tensors[i].values.size());
    if (settings.kind == OptimizerKind::kAdam) {
      states_[i].second_moment.resize(tensors[i].values.size());
    }
  }
}

void Optimizer::Step() {
  // Tensors whose state began together share the step's numbers.
  int64_t adam_steps = 0;
  AdamStep adam = {};
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const ModelTensor& tensor = tensors_[i];
    TensorState& state = states_[i];
    const auto size = static_cast<int64_t>(tensor.values.size());
    ++state.steps;
    if (settings_.kind == OptimizerKind::kSgd) {
      Kernels().momentum_step(tensor.values.data(), state.first_moment.data(),
                              tensor.gradient.data(), size, static_cast<float>(learning_rate_),
                              static_cast<float>(settings_.momentum));
      continue;
    }
    if (state.steps != adam_steps) {
      adam_steps = state.steps;
      adam = AdamStepAt(settings_, learning_rate_, adam_steps);
    }
    Kernels().adam_step(tensor.values.data(), state.first_moment.data(), state.second_moment.data(),
                        tensor.gradient.data(), size, adam);
  }
}

void Optimizer::Reset(size_t tensor) {
  TensorState& state = states_[tensor];
  state.steps = 0;
  std::fill(state.first_moment.begin(), state.first_moment.end(), 0.0F);
  std::fill(state.second_moment.begin(), state.second_moment.end(), 0.0F);
}

}  // namespace lehr
