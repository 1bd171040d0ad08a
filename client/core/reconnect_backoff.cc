#include "client/core/reconnect_backoff.h"

#include <algorithm>

namespace lehr {
namespace {

// splitmix64 (Steele, Lea, Flood 2014): one well-mixed word for each increment of the state.
uint64_t NextRandom(uint64_t& state) {
  state += 0x9e3779b97f4a7c15u;
  uint64_t word = state;
  word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
  word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
  return word ^ (word >> 31);
}

}  // namespace

absl::Duration ReconnectBackoff::Next() {
  const double unit = static_cast<double>(NextRandom(random_state_) >> 11) * 0x1p-53;
  const absl::Duration delay = ceiling_ * (0.5 + 0.5 * unit);
  ceiling_ = std::min(2 * ceiling_, kLongestReconnectDelay);
  return delay;
}

}  // namespace lehr
