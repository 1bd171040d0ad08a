// The flags of `lehr policy`, and the request that they make of the policy in force.
#ifndef LEHR_CLIENT_CLI_POLICY_FLAGS_H_
#define LEHR_CLIENT_CLI_POLICY_FLAGS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "lehr/v1/runs.pb.h"

namespace CLI {
class App;
}

namespace lehr {

// What is unset stays as it is.
struct PolicyFlags {
  // "error_driven", "reheat", or "observe": the rule as it is, but nothing is commanded.
  std::optional<std::string> policy;
  std::optional<double> base_noise_level;
  std::optional<double> min_imbalance;
  // 0: no limit.
  std::optional<double> max_stddev;
  std::optional<uint32_t> cooldown_steps;
  std::optional<uint32_t> budget;
  std::optional<uint32_t> budget_window_steps;
  std::optional<double> breaker_factor;
  std::optional<uint32_t> breaker_window_steps;
};

void AddPolicyFlags(CLI::App& app, PolicyFlags& flags);

// Whether anything is to change.
bool HasAny(const PolicyFlags& flags);

// `current` with the flags' changes.
v1::SetPolicyRequest MakeSetPolicyRequest(const std::string& run_id, const PolicyFlags& flags,
                                          const v1::RunSettings& current);

}  // namespace lehr

#endif  // LEHR_CLIENT_CLI_POLICY_FLAGS_H_
