// One simulated life of a run, from one seed: a supervisor and training jobs under faults, then
// quiet, in which all must go well again.
#ifndef LEHR_TESTS_SIMULATION_SIMULATION_H_
#define LEHR_TESTS_SIMULATION_SIMULATION_H_

#include <cstdint>
#include <string>

#include "server/metrics.h"
#include "tests/simulation/checker.h"

namespace lehr::simulation {

struct Result {
  // Empty: every promise was kept.
  std::string fault;
  Checker::Counts counts;
};

// The same for the same seed, on every machine. `trace`: prints what happens.
Result Simulate(uint64_t seed, bool trace, Metrics& metrics);

}  // namespace lehr::simulation

#endif  // LEHR_TESTS_SIMULATION_SIMULATION_H_
