#include "tests/simulation/scenario.h"

#include <algorithm>

#include "client/wire.h"

namespace lehr::simulation {
namespace {

// Faults of a kind are absent from half of the scenarios, so that each is also seen alone.
absl::Duration DrawRate(Random& random, absl::Duration least, absl::Duration most) {
  return random.Chance(0.5) ? random.Between(least, most) : absl::InfiniteDuration();
}

FaultRates DrawFaults(Random& random) {
  FaultRates rates;
  rates.supervisor_crash = DrawRate(random, absl::Seconds(4), absl::Seconds(30));
  rates.supervisor_stop = DrawRate(random, absl::Seconds(15), absl::Seconds(60));
  rates.disk_full = DrawRate(random, absl::Seconds(15), absl::Seconds(60));
  rates.stream_break = DrawRate(random, absl::Seconds(2), absl::Seconds(20));
  rates.partition = DrawRate(random, absl::Seconds(5), absl::Seconds(40));
  rates.rank_stall = DrawRate(random, absl::Seconds(2), absl::Seconds(20));
  rates.rank_crash = DrawRate(random, absl::Seconds(8), absl::Seconds(40));
  rates.operator_act = DrawRate(random, absl::Seconds(10), absl::Seconds(40));
  return rates;
}

void DrawGuards(Random& random, v1::Guards& guards) {
  if (random.Chance(0.4)) {
    guards.set_cooldown_steps(static_cast<uint32_t>(random.Between(1, 6)));
  }
  if (random.Chance(0.4)) {
    guards.set_budget(static_cast<uint32_t>(random.Between(1, 4)));
    guards.set_budget_window_steps(static_cast<uint32_t>(random.Between(3, 20)));
  }
  if (random.Chance(0.2)) {
    guards.set_breaker_factor(1.2 + random.Unit());
    guards.set_breaker_window_steps(static_cast<uint32_t>(random.Between(1, 10)));
  }
}

}  // namespace

Scenario Scenario::Draw(Random& random) {
  Scenario scenario;
  scenario.world_size = static_cast<uint32_t>(random.Between(1, 4));
  scenario.can_agree = random.Chance(0.97);
  scenario.straggler_timeout = random.Between(absl::Milliseconds(500), absl::Seconds(3));
  scenario.decision_timeout = scenario.straggler_timeout * (1.1 + random.Unit());
  scenario.connect_timeout = random.Between(absl::Milliseconds(500), absl::Seconds(5));
  scenario.join_timeout = random.Between(absl::Seconds(1), absl::Seconds(15));

  v1::RunSettings& settings = scenario.settings;
  settings.set_run_seed(random.Next());
  settings.set_lag(static_cast<uint32_t>(random.Between(0, 3)));
  settings.mutable_policy()->mutable_error_driven()->set_base_noise_level(1e-3);
  settings.mutable_policy()->set_observe(random.Chance(0.05));
  settings.set_quorum(
      random.Chance(0.5) ? 0 : static_cast<uint32_t>(random.Between(1, scenario.world_size)));
  settings.set_digest_every_steps(static_cast<uint32_t>(random.Between(0, 3)));
  SetDuration(scenario.straggler_timeout, *settings.mutable_straggler_timeout());
  SetDuration(scenario.join_timeout, *settings.mutable_join_timeout());
  DrawGuards(random, *settings.mutable_guards());

  scenario.step_time = random.Between(absl::Milliseconds(100), absl::Milliseconds(1500));
  scenario.checkpoint_every = random.Between(3, 15);
  scenario.pause_chance = random.Chance(0.5) ? 0.05 : 0;
  scenario.leave_chance = random.Chance(0.2) ? 0.02 : 0;
  scenario.network_latency = random.Between(absl::Milliseconds(1), absl::Milliseconds(200));
  scenario.commit_interval = random.Between(absl::Milliseconds(1), absl::Milliseconds(100));
  scenario.commit_time = random.Between(absl::Milliseconds(1), absl::Milliseconds(50));
  scenario.slow_commit_chance = random.Chance(0.5) ? 0.05 : 0;
  scenario.faults = DrawFaults(random);
  scenario.faulty_for = random.Between(absl::Seconds(10), absl::Seconds(60));
  return scenario;
}

}  // namespace lehr::simulation
