// The newest mean losses in bounded space: blocks of neighbours, each with its least, greatest and
// mean value. As the window grows, pairs of blocks become one.
//
// Plain values, small enough to be journaled with each decision; not thread-safe.
//
//   LossWindow window;
//   window.Add(/*mean_loss=*/0.7, /*window=*/100);
//   if (window.length >= 100) Use(RelativeRange(window), DeclineRate(window));
#ifndef LEHR_SERVER_CORE_LOSS_WINDOW_H_
#define LEHR_SERVER_CORE_LOSS_WINDOW_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace lehr {

struct LossBlock {
  uint32_t count = 0;
  float least = 0;
  float greatest = 0;
  float mean = 0;

  bool operator==(const LossBlock&) const = default;
};

struct LossWindow {
  static constexpr size_t kMaxBlocks = 16;

  // Oldest first. All but the newest hold `stride` observations.
  std::vector<LossBlock> blocks;
  uint32_t stride = 1;
  // Observations in all blocks.
  uint32_t length = 0;

  // Drops what is older than the newest `window` observations, as far as blocks allow: `length` is
  // then below `window` + `stride`. A window may grow by one with each observation.
  void Add(double mean_loss, uint32_t window);

  bool operator==(const LossWindow&) const = default;
};

// (greatest - least) / the newest block's mean. No unit; 0 where there is nothing.
double RelativeRange(const LossWindow& window);

// By how much the loss falls an observation, by the least-squares line through the blocks, over the
// newest block's mean. No unit; negative where the loss rises.
double DeclineRate(const LossWindow& window);

// Where a smooth curve leads, by Aitken's delta-squared process: that of a geometric fall is exact.
// Both in the unit of the loss.
struct Fall {
  // The newest whole block's mean, and how much of it is still to go.
  double newest = 0;
  double left = 0;
};

// From the means of three blocks at equal distances. A curve that does not move has nothing left;
// none where it does not fall, or does not fall less and less, or where less than five blocks and
// eight observations are there.
std::optional<Fall> ProjectFall(const LossWindow& window);

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_LOSS_WINDOW_H_
