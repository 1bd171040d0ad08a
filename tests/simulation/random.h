// All chance of a simulation, from one seed: the same seed gives the same run on every machine.
#ifndef LEHR_TESTS_SIMULATION_RANDOM_H_
#define LEHR_TESTS_SIMULATION_RANDOM_H_

#include <cmath>
#include <cstdint>

#include "absl/time/time.h"

namespace lehr::simulation {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  // splitmix64 (Steele, Lea, Flood 2014).
  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t word = state_;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
    word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
    return word ^ (word >> 31);
  }
  // In [0, 1).
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1p-53; }
  bool Chance(double probability) { return Unit() < probability; }
  // In [least, most].
  int64_t Between(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(Next() % static_cast<uint64_t>(most - least + 1));
  }
  absl::Duration Between(absl::Duration least, absl::Duration most) {
    return absl::Nanoseconds(
        Between(absl::ToInt64Nanoseconds(least), absl::ToInt64Nanoseconds(most)));
  }
  // As long as it takes until an event that comes on average every `mean`.
  absl::Duration Until(absl::Duration mean) {
    const double waits = -std::log(1 - Unit());
    return absl::Nanoseconds(
        static_cast<int64_t>(waits * static_cast<double>(absl::ToInt64Nanoseconds(mean))));
  }

 private:
  uint64_t state_;
};

}  // namespace lehr::simulation

#endif  // LEHR_TESTS_SIMULATION_RANDOM_H_
