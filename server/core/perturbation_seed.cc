#include "server/core/perturbation_seed.h"

#include "server/core/split_mix.h"

namespace lehr {

uint64_t PerturbationSeed(uint64_t run_seed, uint32_t branch, int64_t step) {
  return SplitMix(SplitMix(SplitMix(run_seed) ^ branch) ^ static_cast<uint64_t>(step));
}

uint64_t PerturbationId(uint64_t run_seed, uint64_t generation, int64_t step, uint32_t position) {
  const uint64_t of_generation = SplitMix(SplitMix(run_seed) ^ generation);
  const uint64_t id = SplitMix(SplitMix(of_generation ^ static_cast<uint64_t>(step)) ^ position);
  return id == 0 ? 1 : id;
}

}  // namespace lehr
