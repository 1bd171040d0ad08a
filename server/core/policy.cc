#include "server/core/policy.h"

#include <cmath>

#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

absl::Status Check(const ErrorDrivenPolicy& policy) {
  if (!std::isfinite(policy.base_noise_level) || policy.base_noise_level < 0) {
    return absl::InvalidArgumentError(absl::StrCat("base_noise_level is ", policy.base_noise_level,
                                                   "; it must be finite and >= 0"));
  }
  if (!(policy.min_imbalance >= 0 && policy.min_imbalance <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("min_imbalance is ", policy.min_imbalance, "; it must be in [0, 1]"));
  }
  return absl::OkStatus();
}

std::string RuleName(const ErrorDrivenPolicy&) { return "error_driven"; }

}  // namespace

absl::Status CheckPolicy(const Policy& policy) {
  return std::visit([](const auto& rule) { return Check(rule); }, policy.rule);
}

std::string PolicyName(const Policy& policy) {
  const std::string rule = std::visit([](const auto& r) { return RuleName(r); }, policy.rule);
  return policy.observe ? "observe:" + rule : rule;
}

Proposal Propose(const Policy& policy, const Observation& observation) {
  return std::visit([&](const auto& rule) { return Propose(rule, observation); }, policy.rule);
}

}  // namespace lehr
