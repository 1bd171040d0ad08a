#include "server/core/guards.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

GuardState WatchMean(const Guards& guards, GuardState state, int64_t step, double mean_loss) {
  if (!state.has_acted) {
    state.greatest_mean = std::max(state.greatest_mean, mean_loss);
    return state;
  }
  const bool watching = guards.breaker_factor > 0 && !state.acted.empty() &&
                        step - state.acted.back() <= guards.breaker_window_steps;
  if (watching && mean_loss > guards.breaker_factor * state.greatest_mean) {
    state.breaker_open = true;
    state.breaker_mean = mean_loss;
  }
  return state;
}

// Why a proposal to act at `step` must be held back, if it must.
std::optional<Reason> Objection(const Guards& guards, const GuardState& state, int64_t step) {
  if (state.breaker_open) {
    return Reason{ReasonCode::kBreakerOpen, state.breaker_mean,
                  guards.breaker_factor * state.greatest_mean};
  }
  if (guards.cooldown_steps > 0 && !state.acted.empty() &&
      step - state.acted.back() <= guards.cooldown_steps) {
    return Reason{ReasonCode::kCooldown, static_cast<double>(step - state.acted.back()),
                  static_cast<double>(guards.cooldown_steps)};
  }
  if (guards.budget > 0) {
    const int64_t window_begin = step - guards.budget_window_steps + 1;
    const auto spent = std::count_if(state.acted.begin(), state.acted.end(),
                                     [&](int64_t acted) { return acted >= window_begin; });
    if (spent >= guards.budget) {
      return Reason{ReasonCode::kBudgetSpent, static_cast<double>(spent),
                    static_cast<double>(guards.budget)};
    }
  }
  return std::nullopt;
}

void CutNoise(double max_stddev, Proposal& proposal) {
  for (Action& action : proposal.actions) {
    auto* perturb = std::get_if<PerturbAction>(&action);
    if (perturb != nullptr && perturb->stddev > max_stddev) {
      perturb->stddev = static_cast<float>(max_stddev);
      proposal.reason.limit = max_stddev;
    }
  }
}

GuardState RememberActing(const Guards& guards, GuardState state, int64_t step) {
  state.has_acted = true;
  state.acted.push_back(step);
  const size_t keep = std::max<size_t>(guards.budget, 1);
  if (state.acted.size() > keep) {
    state.acted.erase(state.acted.begin(), state.acted.end() - keep);
  }
  return state;
}

}  // namespace

absl::Status CheckGuards(const Guards& guards) {
  if (guards.max_stddev && !(std::isfinite(*guards.max_stddev) && *guards.max_stddev > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_stddev is ", *guards.max_stddev, "; it must be finite and > 0"));
  }
  if (guards.cooldown_steps > INT32_MAX) {
    return absl::InvalidArgumentError(
        absl::StrCat("cooldown_steps is ", guards.cooldown_steps, "; it must be below 2^31"));
  }
  if (guards.budget > kMaxBudget) {
    return absl::InvalidArgumentError(
        absl::StrCat("budget is ", guards.budget, "; it must be at most ", kMaxBudget));
  }
  if (guards.budget > 0 &&
      (guards.budget_window_steps == 0 || guards.budget_window_steps > INT32_MAX)) {
    return absl::InvalidArgumentError(absl::StrCat("budget_window_steps is ",
                                                   guards.budget_window_steps,
                                                   "; with a budget it must be in [1, 2^31)"));
  }
  if (guards.breaker_factor != 0 &&
      !(std::isfinite(guards.breaker_factor) && guards.breaker_factor > 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("breaker_factor is ", guards.breaker_factor,
                     "; it must be 0 (no breaker) or finite and > 1"));
  }
  if (guards.breaker_factor > 0 &&
      (guards.breaker_window_steps == 0 || guards.breaker_window_steps > kMaxBreakerWindowSteps)) {
    return absl::InvalidArgumentError(
        absl::StrCat("breaker_window_steps is ", guards.breaker_window_steps,
                     "; with a breaker it must be in [1, ", kMaxBreakerWindowSteps, "]"));
  }
  return absl::OkStatus();
}

Guarded ApplyGuards(const Guards& guards, GuardState state, const std::optional<Reason>& veto,
                    int64_t step, double mean_loss, Proposal proposal) {
  state = WatchMean(guards, std::move(state), step, mean_loss);
  if (proposal.actions.empty()) {
    return {.reason = proposal.reason, .state = std::move(state)};
  }
  if (guards.max_stddev) {
    CutNoise(*guards.max_stddev, proposal);
  }
  const bool acts = ChangesParameters(proposal.actions);
  std::optional<Reason> objection = veto;
  if (!objection && acts) {
    objection = Objection(guards, state, step);
  }
  if (objection) {
    return {
        .withheld = std::move(proposal.actions), .reason = *objection, .state = std::move(state)};
  }
  return {.actions = std::move(proposal.actions),
          .reason = proposal.reason,
          .state = acts ? RememberActing(guards, std::move(state), step) : std::move(state)};
}

GuardState Replay(const Guards& guards, GuardState state, const StepDecision& decision) {
  state = WatchMean(guards, std::move(state), decision.step, decision.observation.temperature.mean);
  return !ChangesParameters(decision.actions)
             ? state
             : RememberActing(guards, std::move(state), decision.step);
}

GuardState ForgetSkipped(GuardState state, int64_t step) {
  std::erase(state.acted, step);
  return state;
}

}  // namespace lehr
