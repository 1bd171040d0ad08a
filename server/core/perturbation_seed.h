// Seeds and ids of perturbations: functions of the run, never of a clock or a random device, so
// that a rewind that keeps its branch replays the same numbers.
#ifndef LEHR_SERVER_CORE_PERTURBATION_SEED_H_
#define LEHR_SERVER_CORE_PERTURBATION_SEED_H_

#include <cstdint>

namespace lehr {

// mix(mix(mix(run_seed) ^ branch) ^ step), mix being one step of splitmix64 (Steele, Lea, Flood
// 2014).
uint64_t PerturbationSeed(uint64_t run_seed, uint32_t branch, int64_t step);

// Names one perturbation of one run: a mix of (run_seed, generation, step, position). Never 0.
uint64_t PerturbationId(uint64_t run_seed, uint64_t generation, int64_t step, uint32_t position);

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_PERTURBATION_SEED_H_
