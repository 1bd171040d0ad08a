#include "trainer/initialization.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <random>

#include "trainer/random.h"

namespace lehr {
namespace {

constexpr double kPaperStddev = 0.5;

void FillUniform(std::mt19937_64& generator, double bound, absl::Span<float> values) {
  for (float& value : values) {
    value = static_cast<float>(bound * (2.0 * UniformUnit(generator) - 1.0));
  }
}

// Box and Muller (1958), in binary64.
double StandardNormal(std::mt19937_64& generator) {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - UniformUnit(generator)));
  return radius * std::cos(2.0 * std::numbers::pi * UniformUnit(generator));
}

void FillNormal(std::mt19937_64& generator, double stddev, absl::Span<float> values) {
  for (float& value : values) {
    value = static_cast<float>(stddev * StandardNormal(generator));
  }
}

}  // namespace

void Initialize(InitialValues initial, uint64_t seed, absl::Span<ModelTensor> tensors) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    ModelTensor& tensor = tensors[i];
    std::mt19937_64 generator(StreamSeed(seed, RandomStream::kInitialValues, i));
    const bool is_bias = tensor.shape.size() == 1;
    const double unit = 1.0 / std::sqrt(static_cast<double>(tensor.fan_in));
    if (initial == InitialValues::kTorch) {
      FillUniform(generator, unit, tensor.values);
      tensor.reference_stddev = static_cast<float>(unit / std::sqrt(3.0));
    } else if (is_bias) {
      std::fill(tensor.values.begin(), tensor.values.end(), 0.0F);
      tensor.reference_stddev = static_cast<float>(unit);
    } else {
      const double stddev =
          initial == InitialValues::kHe ? std::numbers::sqrt2 * unit : kPaperStddev;
      FillNormal(generator, stddev, tensor.values);
      tensor.reference_stddev = static_cast<float>(stddev);
    }
  }
}

}  // namespace lehr
