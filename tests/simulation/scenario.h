// What a seed means: how big the job is, how the run is measured and decided, and how often what
// breaks.
#ifndef LEHR_TESTS_SIMULATION_SCENARIO_H_
#define LEHR_TESTS_SIMULATION_SCENARIO_H_

#include <cstdint>

#include "absl/time/time.h"
#include "lehr/v1/decision.pb.h"
#include "tests/simulation/random.h"

namespace lehr::simulation {

// The mean times between faults; InfiniteDuration: never.
struct FaultRates {
  absl::Duration supervisor_crash = absl::InfiniteDuration();
  absl::Duration supervisor_stop = absl::InfiniteDuration();
  absl::Duration disk_full = absl::InfiniteDuration();
  absl::Duration stream_break = absl::InfiniteDuration();
  absl::Duration partition = absl::InfiniteDuration();
  absl::Duration rank_stall = absl::InfiniteDuration();
  absl::Duration rank_crash = absl::InfiniteDuration();
  absl::Duration operator_act = absl::InfiniteDuration();
};

struct Scenario {
  static Scenario Draw(Random& random);

  v1::RunSettings settings;
  absl::Duration straggler_timeout;
  absl::Duration join_timeout;
  absl::Duration connect_timeout;
  absl::Duration decision_timeout;
  uint32_t world_size = 1;
  bool can_agree = true;

  // A step's computing, on average.
  absl::Duration step_time;
  int64_t checkpoint_every = 0;
  // Of each step.
  double pause_chance = 0;
  double leave_chance = 0;

  absl::Duration network_latency;
  absl::Duration commit_interval;
  absl::Duration commit_time;
  // Of each commit: it takes up to a hundred times as long.
  double slow_commit_chance = 0;

  FaultRates faults;
  // Until then there are faults; then everything heals.
  absl::Duration faulty_for;
};

}  // namespace lehr::simulation

#endif  // LEHR_TESTS_SIMULATION_SCENARIO_H_
