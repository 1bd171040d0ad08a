#include "trainer/mlp.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "trainer/matrix_product.h"

namespace lehr {
namespace {

// Units of each layer from the inputs on.
std::vector<int64_t> Widths(const Architecture& architecture) {
  std::vector<int64_t> widths = {architecture.inputs};
  widths.insert(widths.end(), architecture.hidden.begin(), architecture.hidden.end());
  if (architecture.output == Architecture::Output::kLinear) {
    widths.push_back(architecture.outputs);
  }
  return widths;
}

void AddBias(float* outputs, const float* bias, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      outputs[row * columns + column] += bias[column];
    }
  }
}

void Rectify(float* values, int64_t size) {
  for (int64_t i = 0; i < size; ++i) {
    // Not std::max, which would make 0 of a NaN.
    values[i] = values[i] < 0.0F ? 0.0F : values[i];
  }
}

// The ReLU's derivative: nothing flows where the activation is 0.
void MaskDelta(float* delta, const float* activations, int64_t size) {
  for (int64_t i = 0; i < size; ++i) {
    delta[i] = activations[i] > 0.0F ? delta[i] : 0.0F;
  }
}

void SumRows(const float* delta, float* sums, int64_t rows, int64_t columns) {
  std::fill_n(sums, columns, 0.0F);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      sums[column] += delta[row * columns + column];
    }
  }
}

}  // namespace

std::string ToString(const Architecture& architecture) {
  std::string text;
  for (const int64_t width : Widths(architecture)) {
    absl::StrAppend(&text, text.empty() ? "" : "-", width);
  }
  if (architecture.output == Architecture::Output::kSumOfUnits) {
    absl::StrAppend(&text, "-sum");
  }
  return text;
}

int64_t ParameterCount(const Architecture& architecture) {
  const std::vector<int64_t> widths = Widths(architecture);
  int64_t count = 0;
  for (size_t layer = 1; layer < widths.size(); ++layer) {
    count += widths[layer] * (widths[layer - 1] + 1);
  }
  return count;
}

Mlp::Mlp(const Architecture& architecture, int64_t max_rows)
    : architecture_(architecture),
      max_rows_(max_rows),
      parameters_(ParameterCount(architecture)),
      gradients_(parameters_.size()),
      sums_(max_rows) {
  const std::vector<int64_t> widths = Widths(architecture);
  float* values = parameters_.data();
  float* gradient = gradients_.data();
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    const int64_t inputs = widths[i];
    const int64_t outputs = widths[i + 1];
    const bool is_last = i + 2 == widths.size();
    layers_.push_back({
        .inputs = inputs,
        .outputs = outputs,
        .rectified = !is_last || architecture.output == Architecture::Output::kSumOfUnits,
        .weight = values,
        .bias = values + outputs * inputs,
        .weight_gradient = gradient,
        .bias_gradient = gradient + outputs * inputs,
        .activations = std::vector<float>(max_rows * outputs),
    });
    const std::string prefix = absl::StrCat("layers.", i);
    const Layer& layer = layers_.back();
    AddTensor(prefix + ".weight", {outputs, inputs}, inputs, layer.weight, layer.weight_gradient);
    AddTensor(prefix + ".bias", {outputs}, inputs, layer.bias, layer.bias_gradient);
    values += outputs * (inputs + 1);
    gradient += outputs * (inputs + 1);
  }
  delta_.resize(max_rows * *std::max_element(widths.begin(), widths.end()));
  next_delta_.resize(delta_.size());
}

void Mlp::AddTensor(const std::string& name, std::vector<int64_t> shape, int64_t fan_in,
                    float* values, const float* gradient) {
  size_t size = 1;
  for (const int64_t extent : shape) {
    size *= extent;
  }
  tensors_.push_back({
      .name = name,
      .shape = std::move(shape),
      .fan_in = fan_in,
      .reference_stddev = static_cast<float>(1.0 / std::sqrt(fan_in)),
      .values = absl::MakeSpan(values, size),
      .gradient = absl::MakeConstSpan(gradient, size),
  });
}

absl::Span<const float> Mlp::Forward(const float* inputs, int64_t rows) {
  rows_ = rows;
  for (Layer& layer : layers_) {
    float* outputs = layer.activations.data();
    MultiplyByTransposed(inputs, layer.weight, outputs, rows, layer.outputs, layer.inputs);
    AddBias(outputs, layer.bias, rows, layer.outputs);
    if (layer.rectified) {
      Rectify(outputs, rows * layer.outputs);
    }
    inputs = outputs;
  }
  const Layer& last = layers_.back();
  if (architecture_.output == Architecture::Output::kLinear) {
    return absl::MakeConstSpan(last.activations).first(rows * last.outputs);
  }
  for (int64_t row = 0; row < rows; ++row) {
    sums_[row] = 0;
    for (int64_t unit = 0; unit < last.outputs; ++unit) {
      sums_[row] += last.activations[row * last.outputs + unit];
    }
  }
  return absl::MakeConstSpan(sums_).first(rows);
}

void Mlp::Backward(const float* inputs, const float* output_gradient, int64_t rows) {
  const int64_t last_width = layers_.back().outputs;
  const bool is_sum = architecture_.output == Architecture::Output::kSumOfUnits;
  for (int64_t i = 0; i < rows * last_width; ++i) {
    delta_[i] = output_gradient[is_sum ? i / last_width : i];
  }
  for (size_t i = layers_.size(); i-- > 0;) {
    Layer& layer = layers_[i];
    if (layer.rectified) {
      MaskDelta(delta_.data(), layer.activations.data(), rows * layer.outputs);
    }
    const float* layer_inputs = i == 0 ? inputs : layers_[i - 1].activations.data();
    MultiplyTransposed(delta_.data(), layer_inputs, layer.weight_gradient, layer.outputs,
                       layer.inputs, rows);
    SumRows(delta_.data(), layer.bias_gradient, rows, layer.outputs);
    if (i > 0) {
      Multiply(delta_.data(), layer.weight, next_delta_.data(), rows, layer.inputs, layer.outputs);
      std::swap(delta_, next_delta_);
    }
  }
}

}  // namespace lehr
