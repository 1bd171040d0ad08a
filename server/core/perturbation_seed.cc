#include "server/core/perturbation_seed.h"

namespace lehr {
namespace {

uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace

uint64_t PerturbationSeed(uint64_t run_seed, uint32_t branch, int64_t step) {
  return Mix(Mix(Mix(run_seed) ^ branch) ^ static_cast<uint64_t>(step));
}

uint64_t PerturbationId(uint64_t run_seed, uint64_t generation, int64_t step, uint32_t position) {
  const uint64_t id =
      Mix(Mix(Mix(Mix(run_seed) ^ generation) ^ static_cast<uint64_t>(step)) ^ position);
  return id == 0 ? 1 : id;
}

}  // namespace lehr
