// A bijection of 64-bit numbers whose values look random: the splitmix64 finalizer after adding its
// increment. Fixed for good: seeds and the sample of an example table depend on it.
#ifndef LEHR_SERVER_CORE_SPLIT_MIX_H_
#define LEHR_SERVER_CORE_SPLIT_MIX_H_

#include <cstdint>

namespace lehr {

constexpr uint64_t SplitMix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_SPLIT_MIX_H_
