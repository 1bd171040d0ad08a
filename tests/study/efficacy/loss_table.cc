#include "tests/study/efficacy/loss_table.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace lehr {

Temperature MeasureInDouble(absl::Span<const float> losses) {
  Temperature result;
  double sum = 0;
  double sum_of_squares = 0;
  double x_log2_x = 0;
  for (const float loss : losses) {
    const double x = loss;
    if (!std::isfinite(x) || x < 0) {
      continue;
    }
    ++result.count;
    sum += x;
    sum_of_squares += x * x;
    x_log2_x += x > 0 ? x * std::log2(x) : 0;
  }
  if (result.count == 0) {
    return result;
  }
  const auto count = static_cast<double>(result.count);
  result.mean = sum / count;
  result.magnitude = std::sqrt(sum_of_squares);
  result.root_mean_square = result.magnitude / std::sqrt(count);
  if (result.count < 2 || sum <= 0) {
    return result;
  }
  result.entropy = std::log2(sum) - x_log2_x / sum;
  result.unsquared_imbalance =
      std::clamp((std::log2(count) - result.entropy) / std::log2(count), 0.0, 1.0);
  result.imbalance = result.unsquared_imbalance * result.unsquared_imbalance;
  result.temperature = result.magnitude * result.imbalance;
  return result;
}

LossTable::LossTable(int64_t examples) : latest_(examples, -1.0F) {}

void LossTable::Update(absl::Span<const uint64_t> ids, absl::Span<const float> losses) {
  for (size_t i = 0; i < ids.size(); ++i) {
    float& latest = latest_[ids[i]];
    const double before = latest;
    if (before >= 0) {
      --known_;
      sum_ -= before;
      sum_of_squares_ -= before * before;
    }
    latest = std::isfinite(losses[i]) ? losses[i] : -1.0F;
    const double after = latest;
    if (after >= 0) {
      ++known_;
      sum_ += after;
      sum_of_squares_ += after * after;
    }
  }
  // A whole pass at once: no drift.
  if (ids.size() == latest_.size()) {
    sum_ = 0;
    sum_of_squares_ = 0;
    for (const float loss : latest_) {
      const double value = std::max(loss, 0.0F);
      sum_ += value;
      sum_of_squares_ += value * value;
    }
  }
}

double LossTable::RootMeanSquare() const {
  return std::sqrt(std::max(sum_of_squares_, 0.0) / static_cast<double>(known_));
}

Temperature LossTable::Measure() const { return MeasureInDouble(latest_); }

}  // namespace lehr
