#include "trainer/losses.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace lehr {
namespace {

float Target(int32_t label, size_t output, size_t width) {
  return width == 1 ? static_cast<float>(label)
                    : (static_cast<size_t>(label) == output ? 1.0F : 0.0F);
}

// Each takes the outputs of one example, returns its loss and, unless `gradient` is empty, fills in
// scale times the gradient.

float SoftmaxCrossEntropy(absl::Span<const float> outputs, int32_t label, float scale,
                          absl::Span<float> gradient) {
  const float highest = *std::max_element(outputs.begin(), outputs.end());
  float sum = 0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    // At most 1: no overflow.
    const float exponential = std::exp(outputs[i] - highest);
    sum += exponential;
    if (!gradient.empty()) {
      gradient[i] = exponential;
    }
  }
  if (!gradient.empty()) {
    for (float& partial : gradient) {
      partial *= scale / sum;
    }
    gradient[label] -= scale;
  }
  // The great numbers cancel first, so that the small logarithm keeps its digits.
  return (highest - outputs[label]) + std::log(sum);
}

float BinaryCrossEntropy(absl::Span<const float> outputs, int32_t label, float scale,
                         absl::Span<float> gradient) {
  float sum = 0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const float logit = outputs[i];
    const float target = Target(label, i, outputs.size());
    const float positive_part = logit < 0.0F ? 0.0F : logit;
    // −t·log s(y) − (1−t)·log(1 − s(y)), so written that nothing overflows.
    sum += positive_part - logit * target + std::log1p(std::exp(-std::abs(logit)));
    if (!gradient.empty()) {
      gradient[i] = scale * (1.0F / (1.0F + std::exp(-logit)) - target);
    }
  }
  return sum;
}

float SquaredError(absl::Span<const float> outputs, int32_t label, float scale,
                   absl::Span<float> gradient) {
  float sum = 0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const float error = outputs[i] - Target(label, i, outputs.size());
    sum += error * error;
    if (!gradient.empty()) {
      gradient[i] = scale * 2.0F * error;
    }
  }
  return sum;
}

int32_t PredictedClass(Loss loss, absl::Span<const float> row) {
  if (row.size() == 1) {
    return row[0] > (loss == Loss::kBinaryCrossEntropy ? 0.0F : 0.5F) ? 1 : 0;
  }
  return static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

}  // namespace

int64_t OutputsFor(Loss loss, int64_t classes) {
  return loss != Loss::kSoftmaxCrossEntropy && classes == 2 ? 1 : classes;
}

void ComputeLosses(Loss loss, absl::Span<const float> outputs, absl::Span<const int32_t> labels,
                   absl::Span<float> losses, absl::Span<float> gradient, int64_t batch_size) {
  if (labels.empty()) {
    return;
  }
  const size_t width = outputs.size() / labels.size();
  const float share =
      1.0F / static_cast<float>(batch_size == 0 ? labels.size() : static_cast<size_t>(batch_size));
  const float share_of_output = share / static_cast<float>(width);
  for (size_t row = 0; row < labels.size(); ++row) {
    const auto of_row = outputs.subspan(row * width, width);
    const auto gradient_of_row = gradient.empty() ? gradient : gradient.subspan(row * width, width);
    switch (loss) {
      case Loss::kSoftmaxCrossEntropy:
        losses[row] = SoftmaxCrossEntropy(of_row, labels[row], share, gradient_of_row);
        break;
      case Loss::kBinaryCrossEntropy:
        losses[row] = BinaryCrossEntropy(of_row, labels[row], share_of_output, gradient_of_row) /
                      static_cast<float>(width);
        break;
      case Loss::kMeanSquaredError:
        losses[row] = SquaredError(of_row, labels[row], share_of_output, gradient_of_row) /
                      static_cast<float>(width);
        break;
    }
  }
}

int64_t CountCorrect(Loss loss, absl::Span<const float> outputs, absl::Span<const int32_t> labels) {
  const size_t width = outputs.size() / labels.size();
  int64_t correct = 0;
  for (size_t row = 0; row < labels.size(); ++row) {
    correct += PredictedClass(loss, outputs.subspan(row * width, width)) == labels[row] ? 1 : 0;
  }
  return correct;
}

}  // namespace lehr
