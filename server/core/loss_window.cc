#include "server/core/loss_window.h"

#include <algorithm>
#include <cmath>

namespace lehr {
namespace {

LossBlock Merged(const LossBlock& a, const LossBlock& b) {
  const uint32_t count = a.count + b.count;
  const double sum = static_cast<double>(a.mean) * a.count + static_cast<double>(b.mean) * b.count;
  return {.count = count,
          .least = std::min(a.least, b.least),
          .greatest = std::max(a.greatest, b.greatest),
          .mean = static_cast<float>(sum / count)};
}

std::vector<LossBlock> MergedPairs(const std::vector<LossBlock>& blocks) {
  std::vector<LossBlock> merged;
  for (size_t i = 0; i < blocks.size(); i += 2) {
    merged.push_back(i + 1 < blocks.size() ? Merged(blocks[i], blocks[i + 1]) : blocks[i]);
  }
  return merged;
}

}  // namespace

void LossWindow::Add(double mean_loss, uint32_t window) {
  const auto loss = static_cast<float>(mean_loss);
  const LossBlock single = {.count = 1, .least = loss, .greatest = loss, .mean = loss};
  if (blocks.empty() || blocks.back().count >= stride) {
    blocks.push_back(single);
  } else {
    blocks.back() = Merged(blocks.back(), single);
  }
  ++length;
  while (length - blocks.front().count >= window) {
    length -= blocks.front().count;
    blocks.erase(blocks.begin());
  }
  if (blocks.size() > kMaxBlocks) {
    blocks = MergedPairs(blocks);
    stride *= 2;
  }
}

double RelativeRange(const LossWindow& window) {
  if (window.blocks.empty() || window.blocks.back().mean <= 0) {
    return 0;
  }
  float least = window.blocks.front().least;
  float greatest = window.blocks.front().greatest;
  for (const LossBlock& block : window.blocks) {
    least = std::min(least, block.least);
    greatest = std::max(greatest, block.greatest);
  }
  return (static_cast<double>(greatest) - least) / window.blocks.back().mean;
}

double DeclineRate(const LossWindow& window) {
  if (window.blocks.size() < 2 || window.blocks.back().mean <= 0) {
    return 0;
  }
  double total = 0;
  double position_sum = 0;
  double loss_sum = 0;
  std::vector<double> middles;
  double begin = 0;
  for (const LossBlock& block : window.blocks) {
    middles.push_back(begin + block.count / 2.0);
    begin += block.count;
    total += block.count;
    position_sum += middles.back() * block.count;
    loss_sum += static_cast<double>(block.mean) * block.count;
  }
  double covariance = 0;
  double variance = 0;
  for (size_t i = 0; i < window.blocks.size(); ++i) {
    const double offset = middles[i] - position_sum / total;
    covariance += window.blocks[i].count * offset * (window.blocks[i].mean - loss_sum / total);
    variance += window.blocks[i].count * offset * offset;
  }
  return -covariance / variance / window.blocks.back().mean;
}

std::optional<Fall> ProjectFall(const LossWindow& window) {
  constexpr size_t kLeastBlocks = 5;
  constexpr uint32_t kLeastObservations = 8;
  // Relative to the loss: no more than the rounding of losses in binary32 may move their mean.
  constexpr double kStill = 2e-5;
  size_t count = window.blocks.size();
  if (count > 0 && window.blocks.back().count < window.stride) {
    --count;
  }
  if (count < kLeastBlocks || window.length < kLeastObservations) {
    return std::nullopt;
  }
  const size_t first = count % 2 == 0 ? 1 : 0;
  const double newest = window.blocks[count - 1].mean;
  const double middle = window.blocks[(first + count - 1) / 2].mean;
  const double early_fall = window.blocks[first].mean - middle;
  const double late_fall = middle - newest;
  if (std::abs(early_fall) < kStill * newest && std::abs(late_fall) < kStill * newest) {
    return Fall{.newest = newest, .left = 0};
  }
  if (late_fall < 0 || early_fall <= late_fall) {
    return std::nullopt;
  }
  return Fall{.newest = newest, .left = late_fall * late_fall / (early_fall - late_fall)};
}

}  // namespace lehr
