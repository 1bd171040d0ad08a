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

absl::Status Check(const ReheatPolicy& policy) {
  if (policy.planned_steps < 0 || policy.planned_steps >= int64_t{1} << 62) {
    return absl::InvalidArgumentError(
        absl::StrCat("planned_steps is ", policy.planned_steps, "; it must be in [0, 2^62)"));
  }
  return absl::OkStatus();
}

std::string RuleName(const ErrorDrivenPolicy&) { return "error_driven"; }
std::string RuleName(const ReheatPolicy&) { return "reheat"; }

ReheatState& StateOfReheat(PolicyState& state) {
  auto* reheat = std::get_if<ReheatState>(&state);
  return reheat != nullptr ? *reheat : state.emplace<ReheatState>();
}

}  // namespace

absl::Status CheckPolicy(const Policy& policy) {
  return std::visit([](const auto& rule) { return Check(rule); }, policy.rule);
}

std::string PolicyName(const Policy& policy) {
  const std::string rule = std::visit([](const auto& r) { return RuleName(r); }, policy.rule);
  return policy.observe ? "observe:" + rule : rule;
}

Proposal Propose(const Policy& policy, PolicyState& state, const Observation& observation,
                 const PolicyContext& context) {
  if (const auto* reheat = std::get_if<ReheatPolicy>(&policy.rule)) {
    return Propose(*reheat, StateOfReheat(state), observation, context);
  }
  state = std::monostate();
  return Propose(std::get<ErrorDrivenPolicy>(policy.rule), observation);
}

void BeginGeneration(PolicyState& state) {
  if (auto* reheat = std::get_if<ReheatState>(&state)) {
    BeginGeneration(*reheat);
  }
}

void ForgetCommand(PolicyState& state, int64_t step) {
  if (auto* reheat = std::get_if<ReheatState>(&state)) {
    ForgetCommand(*reheat, step);
  }
}

void Replay(const Policy& policy, PolicyState& state, const StepDecision& decision) {
  if (std::holds_alternative<ReheatPolicy>(policy.rule)) {
    Replay(StateOfReheat(state), decision);
  }
}

}  // namespace lehr
