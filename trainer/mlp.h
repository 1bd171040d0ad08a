// A multi-layer perceptron in binary32: fully connected layers with ReLU between them.
//
//   layer l:  z = x · weightᵀ + bias,   weight [out, in] row-major, bias [out]
//   a ReLU follows each layer but the last; its derivative at 0 is 0.
//
// With Output::kSumOfUnits the last layer has a ReLU too, and the network's one output is the sum
// of its units, without weights or a bias of its own.
//
// Parameters are named as PyTorch names them, `layers.0.weight`, `layers.0.bias`, ..., and lie in
// this order in one array, as do their gradients.
//
//   Mlp model({.inputs = 784, .hidden = {256, 128}, .outputs = 10}, /*max_rows=*/128);
//   Initialize(model, InitialValues::kTorch, /*seed=*/1);
//   absl::Span<const float> outputs = model.Forward(inputs, /*rows=*/128);
//   model.Backward(inputs, output_gradient, /*rows=*/128);   // fills model.gradients()
//
// Forward and Backward allocate nothing. An object serves one thread at a time.
#ifndef LEHR_TRAINER_MLP_H_
#define LEHR_TRAINER_MLP_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"

namespace lehr {

struct Architecture {
  enum class Output { kLinear, kSumOfUnits };

  int64_t inputs = 0;
  // Units of each hidden layer; may be empty.
  std::vector<int64_t> hidden;
  // 1 with kSumOfUnits.
  int64_t outputs = 0;
  Output output = Output::kLinear;

  bool operator==(const Architecture&) const = default;
};

// "2-4-1", or "2-2-sum" with Output::kSumOfUnits.
std::string ToString(const Architecture& architecture);

// The parameters of the network; nothing is allocated.
int64_t ParameterCount(const Architecture& architecture);

// One named parameter of a model; the values belong to the model.
struct ModelTensor {
  std::string name;
  std::vector<int64_t> shape;
  // Inputs of the layer that the tensor belongs to.
  int64_t fan_in;
  // Standard deviation of its initial values, the unit of relative noise; 1/√fan_in where they are
  // constant.
  float reference_stddev;
  absl::Span<float> values;
  absl::Span<const float> gradient;
};

// Rows and columns of a square weight matrix of at least 2, with which its layer can be made to
// pass on what it gets; 0: it is none.
inline uint32_t SideOf(const ModelTensor& tensor) {
  const std::vector<int64_t>& shape = tensor.shape;
  const bool square = shape.size() == 2 && shape[0] == shape[1] && shape[0] >= 2;
  return square ? static_cast<uint32_t>(shape[0]) : 0;
}

class Mlp {
 public:
  // Parameters start at 0. At most max_rows examples can pass at once.
  Mlp(const Architecture& architecture, int64_t max_rows);
  Mlp(const Mlp&) = delete;
  Mlp& operator=(const Mlp&) = delete;

  // inputs [rows, inputs] → outputs [rows, outputs], valid until the next call.
  absl::Span<const float> Forward(const float* inputs, int64_t rows);

  // After Forward with the same inputs: from ∂loss/∂output [rows, outputs] to the gradients of all
  // parameters; without rows they are 0.
  void Backward(const float* inputs, const float* output_gradient, int64_t rows);

  // [rows, units] of a layer at the latest Forward, after the ReLU if it has one. `layer` < the
  // layers of the network.
  absl::Span<const float> activations(size_t layer) const {
    return absl::MakeConstSpan(layers_[layer].activations).first(rows_ * layers_[layer].outputs);
  }

  // Of all parameters, in their order.
  absl::Span<float> gradients() { return absl::MakeSpan(gradients_); }
  absl::Span<ModelTensor> tensors() { return absl::MakeSpan(tensors_); }
  absl::Span<const ModelTensor> tensors() const { return tensors_; }
  const Architecture& architecture() const { return architecture_; }
  int64_t max_rows() const { return max_rows_; }

 private:
  struct Layer {
    int64_t inputs;
    int64_t outputs;
    bool rectified;
    float* weight;
    float* bias;
    float* weight_gradient;
    float* bias_gradient;
    // [max_rows, outputs], after the ReLU if there is one.
    std::vector<float> activations;
  };

  void AddTensor(const std::string& name, std::vector<int64_t> shape, int64_t fan_in, float* values,
                 const float* gradient);

  const Architecture architecture_;
  const int64_t max_rows_;
  // Of the latest Forward.
  int64_t rows_ = 0;
  std::vector<float> parameters_;
  std::vector<float> gradients_;
  std::vector<Layer> layers_;
  std::vector<ModelTensor> tensors_;
  // [max_rows, widest layer]: ∂loss/∂z of the layer at hand and of the one below it.
  std::vector<float> delta_;
  std::vector<float> next_delta_;
  // [max_rows]: the output of kSumOfUnits.
  std::vector<float> sums_;
};

}  // namespace lehr

#endif  // LEHR_TRAINER_MLP_H_
