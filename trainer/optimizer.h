// Stochastic gradient descent with momentum, and Adam, in binary32, as PyTorch's SGD and Adam
// compute them (no weight decay, no Nesterov, no AMSGrad).
//
//   SGD    v ← momentum·v + g;                                   θ ← θ − lr·v
//   Adam   m ← β1·m + (1−β1)·g;  v ← β2·v + (1−β2)·g²;
//          θ ← θ − lr/(1−β1ᵗ) · m / (√v/√(1−β2ᵗ) + ε)            (Kingma and Ba, 2015)
//
// t counts the steps of each tensor since its state began.
//
//   Optimizer optimizer({.kind = OptimizerKind::kSgd, .learning_rate = 0.1}, model.tensors());
//   optimizer.Step();      // after model.Backward
//
// The tensors must outlive the optimizer. Nothing fails, Step allocates nothing, an object serves
// one thread at a time.
#ifndef LEHR_TRAINER_OPTIMIZER_H_
#define LEHR_TRAINER_OPTIMIZER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "trainer/mlp.h"

namespace lehr {

enum class OptimizerKind { kSgd, kAdam };

struct OptimizerSettings {
  OptimizerKind kind = OptimizerKind::kSgd;
  // > 0.
  double learning_rate = 0.1;
  // SGD only. [0, 1).
  double momentum = 0.0;
  // Adam only. [0, 1).
  double beta1 = 0.9;
  double beta2 = 0.999;
  // Adam only. > 0.
  double epsilon = 1e-8;
};

class Optimizer {
 public:
  // What the optimizer remembers of one tensor.
  struct TensorState {
    // Steps since the state began; Adam's t.
    int64_t steps = 0;
    // SGD: the velocity v. Adam: the first moment m.
    std::vector<float> first_moment;
    // Adam: v. SGD: empty.
    std::vector<float> second_moment;
  };

  Optimizer(const OptimizerSettings& settings, absl::Span<const ModelTensor> tensors);

  // Moves every tensor against its gradient.
  void Step();

  // From the next step on, the learning rate is that of the settings times `factor`, which replaces
  // the factor before it and belongs to no state. (0, 1].
  void ScaleLearningRate(float factor) { learning_rate_ = settings_.learning_rate * factor; }

  // Makes the tensor's state what it was before the first step.
  void Reset(size_t tensor);

  // One state for each tensor, in their order.
  absl::Span<TensorState> states() { return absl::MakeSpan(states_); }
  absl::Span<const TensorState> states() const { return states_; }

 private:
  const OptimizerSettings settings_;
  // With its factor.
  double learning_rate_;
  const absl::Span<const ModelTensor> tensors_;
  std::vector<TensorState> states_;
};

}  // namespace lehr

#endif  // LEHR_TRAINER_OPTIMIZER_H_
