// Limits that stand around any policy: greatest noise, cooldown, budget, breaker.
//
// Pure functions on plain values. A step counts against cooldown and budget when it commanded a
// change of the parameters, and no longer counts once the ranks say that they skipped it.
#ifndef LEHR_SERVER_CORE_GUARDS_H_
#define LEHR_SERVER_CORE_GUARDS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "server/core/proposal.h"

namespace lehr {

struct Guards {
  // A greater stddev is cut to this. Parameter units; finite, > 0. Unset: no limit.
  std::optional<double> max_stddev;
  // Steps without acting after a step that acted. 0: none.
  uint32_t cooldown_steps = 0;
  // At most this many acting steps in a window. 0: no budget.
  uint32_t budget = 0;
  uint32_t budget_window_steps = 0;
  // The breaker opens when the mean loss, up to breaker_window_steps after a perturbation, exceeds
  // this factor times the greatest mean loss before the first perturbation. 0: no breaker.
  double breaker_factor = 0;
  uint32_t breaker_window_steps = 0;

  bool operator==(const Guards&) const = default;
};

inline constexpr uint32_t kMaxBudget = 4096;
inline constexpr uint32_t kMaxBreakerWindowSteps = 4096;

// INVALID_ARGUMENT with the field and its value if a field is out of its bounds.
absl::Status CheckGuards(const Guards& guards);

// What the guards remember of a generation. Small enough to be journaled with each decision.
struct GuardState {
  // The newest steps that acted and were not skipped, oldest first. At most max(budget, 1).
  std::vector<int64_t> acted;
  // The greatest mean loss before the first perturbation; unit: that of the loss.
  double greatest_mean = 0;
  // Whether any step of the generation has acted.
  bool has_acted = false;
  bool breaker_open = false;
  // The mean loss that opened the breaker.
  double breaker_mean = 0;

  bool operator==(const GuardState&) const = default;
};

// A proposal after the guards: what may be done, what was held back, and why.
struct Guarded {
  std::vector<Action> actions;
  std::vector<Action> withheld;
  Reason reason;
  GuardState state;
};

// `veto` holds back all acting, whatever policy and guards say: the reason why, if there is one.
Guarded ApplyGuards(const Guards& guards, GuardState state, const std::optional<Reason>& veto,
                    int64_t step, double mean_loss, Proposal proposal);

// The state after a decision that was made before, from what is left of it.
GuardState Replay(const Guards& guards, GuardState state, const StepDecision& decision);

// The ranks did not apply what `step` commanded.
GuardState ForgetSkipped(GuardState state, int64_t step);

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_GUARDS_H_
