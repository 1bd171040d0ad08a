#include "trainer/random.h"

#include <limits>
#include <numeric>
#include <utility>

namespace lehr {
namespace {

// One output of SplitMix64 (Steele, Lea and Flood, 2014) with this state.
uint64_t Mix(uint64_t state) {
  state += 0x9e3779b97f4a7c15;
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
  state = (state ^ (state >> 27)) * 0x94d049bb133111eb;
  return state ^ (state >> 31);
}

// Uniform over 0 .. bound − 1: draws that would favour small numbers are drawn again.
uint64_t UniformBelow(uint64_t bound, std::mt19937_64& generator) {
  const uint64_t usable = std::numeric_limits<uint64_t>::max() / bound * bound;
  uint64_t draw = generator();
  while (draw >= usable) {
    draw = generator();
  }
  return draw % bound;
}

}  // namespace

uint64_t StreamSeed(uint64_t seed, RandomStream stream, uint64_t index) {
  return Mix(Mix(Mix(seed) ^ static_cast<uint64_t>(stream)) ^ index);
}

double UniformUnit(std::mt19937_64& generator) {
  return static_cast<double>(generator() >> 11) * 0x1p-53;
}

std::vector<uint64_t> RandomPermutation(uint64_t size, uint64_t seed) {
  std::vector<uint64_t> order(size);
  std::iota(order.begin(), order.end(), uint64_t{0});
  std::mt19937_64 generator(seed);
  for (uint64_t remaining = size; remaining > 1; --remaining) {
    std::swap(order[remaining - 1], order[UniformBelow(remaining, generator)]);
  }
  return order;
}

}  // namespace lehr
