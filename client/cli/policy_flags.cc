#include "client/cli/policy_flags.h"

#include <CLI/CLI.hpp>

namespace lehr {

void AddPolicyFlags(CLI::App& app, PolicyFlags& flags) {
  app.add_option("--policy", flags.policy,
                 "error_driven: noise in proportion to the temperature; reheat: perturb on a stall "
                 "of the whole data set's loss; observe: decide, but command nothing")
      ->check(CLI::IsMember({"error_driven", "reheat", "observe"}));
  app.add_option("--base_noise_level", flags.base_noise_level,
                 "noise standard deviation per unit of temperature, >= 0");
  app.add_option("--min_imbalance", flags.min_imbalance,
                 "no noise at or below this unsquared imbalance, 0 to 1");
  app.add_option("--max_stddev", flags.max_stddev,
                 "greatest noise standard deviation; 0: no limit");
  app.add_option("--cooldown_steps", flags.cooldown_steps,
                 "steps without acting after a step that acted");
  app.add_option("--budget", flags.budget,
                 "most acting steps in any budget_window_steps; 0: no budget");
  app.add_option("--budget_window_steps", flags.budget_window_steps,
                 "the window of the budget, in steps");
  app.add_option("--breaker_factor", flags.breaker_factor,
                 "only observe after the mean loss rose by this factor; 0: no breaker");
  app.add_option("--breaker_window_steps", flags.breaker_window_steps,
                 "steps after a perturbation in which the breaker looks");
}

bool HasAny(const PolicyFlags& flags) {
  return flags.policy || flags.base_noise_level || flags.min_imbalance || flags.max_stddev ||
         flags.cooldown_steps || flags.budget || flags.budget_window_steps ||
         flags.breaker_factor || flags.breaker_window_steps;
}

v1::SetPolicyRequest MakeSetPolicyRequest(const std::string& run_id, const PolicyFlags& flags,
                                          const v1::RunSettings& current) {
  v1::SetPolicyRequest request;
  request.set_run_id(run_id);
  v1::Policy& policy = *request.mutable_policy();
  policy = current.policy();
  if (flags.policy) {
    policy.set_observe(*flags.policy == "observe");
    if (*flags.policy == "reheat") {
      policy.mutable_reheat();
    } else if (*flags.policy == "error_driven") {
      policy.mutable_error_driven();
    }
  }
  if (flags.base_noise_level) {
    policy.mutable_error_driven()->set_base_noise_level(*flags.base_noise_level);
  }
  if (flags.min_imbalance) {
    policy.mutable_error_driven()->set_min_imbalance(*flags.min_imbalance);
  }
  v1::Guards& guards = *request.mutable_guards();
  guards = current.guards();
  if (flags.max_stddev) {
    guards.set_max_stddev(*flags.max_stddev);
    if (*flags.max_stddev == 0) {
      guards.clear_max_stddev();
    }
  }
  guards.set_cooldown_steps(flags.cooldown_steps.value_or(guards.cooldown_steps()));
  guards.set_budget(flags.budget.value_or(guards.budget()));
  guards.set_budget_window_steps(flags.budget_window_steps.value_or(guards.budget_window_steps()));
  guards.set_breaker_factor(flags.breaker_factor.value_or(guards.breaker_factor()));
  guards.set_breaker_window_steps(
      flags.breaker_window_steps.value_or(guards.breaker_window_steps()));
  return request;
}

}  // namespace lehr
