#include "client/cli/reason_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"

namespace lehr {
namespace {

std::string Acted(double stddev, double max_stddev) {
  if (max_stddev > 0) {
    return absl::StrFormat("acts: noise of %.4g was asked for and cut to max_stddev %.4g", stddev,
                           max_stddev);
  }
  return absl::StrFormat("acts: noise of %.4g", stddev);
}

}  // namespace

std::string ReasonText(const v1::Reason& reason) {
  const double value = reason.value();
  const double limit = reason.limit();
  switch (reason.code()) {
    case v1::Reason::CODE_ACTED:
      return Acted(value, limit);
    case v1::Reason::CODE_ZERO_STDDEV:
      return absl::StrFormat("no noise to make at temperature %.4g", value);
    case v1::Reason::CODE_BALANCED:
      return absl::StrFormat("the losses are balanced: unsquared imbalance %.4g, acts above %.4g",
                             value, limit);
    case v1::Reason::CODE_OBSERVE_ONLY:
      return "only observes";
    case v1::Reason::CODE_COOLDOWN:
      return absl::StrFormat("cooldown: %.0f of %.0f steps since it acted", value, limit);
    case v1::Reason::CODE_BUDGET_SPENT:
      return absl::StrFormat("budget spent: %.0f of %.0f acting steps in the window", value, limit);
    case v1::Reason::CODE_BREAKER_OPEN:
      return absl::StrFormat("breaker open: the mean loss rose to %.4g, %.4g was allowed", value,
                             limit);
    case v1::Reason::CODE_ACTING_STOPPED:
      return "all acting was stopped by an operator";
    case v1::Reason::CODE_BELOW_QUORUM:
      return absl::StrFormat("too few reports: %.0f of %.0f needed", value, limit);
    case v1::Reason::CODE_UNKNOWN_AFTER_CRASH:
      return absl::StrFormat("the supervisor crashed; steps up to %.0f have no command", value);
    case v1::Reason::CODE_NO_LOSSES:
      return absl::StrFormat("no usable loss, left out: %.0f", value);
    case v1::Reason::CODE_NO_AGREE:
      return absl::StrFormat("ranks that lent no agree function: %.0f", value);
    case v1::Reason::CODE_STDDEV_NOT_FINITE:
      return absl::StrFormat("the noise would not be a finite number: %g", value);
    case v1::Reason::CODE_NO_NOISE_SPEC:
      return absl::StrFormat("ranks that do not know the commands' noise: %.0f", value);
    case v1::Reason::CODE_RANK_LEFT:
      return absl::StrFormat("ranks have left: %.0f", value);
    case v1::Reason::CODE_WARMING_UP:
      return absl::StrFormat("warming up: %.3g %% of the examples are known, acts from %.3g %%",
                             100 * value, 100 * limit);
    case v1::Reason::CODE_SNAPSHOT_MISSING:
      return absl::StrFormat("ranks that lack the snapshot to go back to: %.0f", value);
    case v1::Reason::CODE_STALL_FLAT:
      return absl::StrFormat("acts: the loss is flat, within %.2g %% of itself (limit %.2g %%)",
                             100 * value, 100 * limit);
    case v1::Reason::CODE_STALL_SLOW:
      return absl::StrFormat("acts: no 1 %% improvement for %.0f passes (limit %.0f)", value,
                             limit);
    case v1::Reason::CODE_STALL_COLLAPSED:
      return absl::StrFormat("acts: collapsed to a mean loss of %.4g (limit %.4g)", value, limit);
    case v1::Reason::CODE_STALL_BOUND:
      return absl::StrFormat("acts: the mean loss is %.4g and bound for no less than %.4g", value,
                             limit);
    case v1::Reason::CODE_STALL_DEAD:
      return absl::StrFormat("acts: dead examples carry %.2g %% of the loss (limit %.2g %%)",
                             100 * value, 100 * limit);
    case v1::Reason::CODE_NOTHING_DEAD:
      return absl::StrFormat(
          "no improvement, but no example is dead: %.2g %% of the loss ties, acts from %.2g %%",
          100 * value, 100 * limit);
    case v1::Reason::CODE_COOLS:
      return absl::StrFormat("lowers the learning rate: %.0f steps to go, from %.0f on", value,
                             limit);
    case v1::Reason::CODE_IMPROVING:
      return absl::StrFormat("improving: %.0f passes without a 1 %% improvement, stalls from %.0f",
                             value, limit);
    case v1::Reason::CODE_STILL_MOVING:
      return absl::StrFormat(
          "still moving: %.0f passes without a 1 %% improvement, stalls from %.0f", value, limit);
    case v1::Reason::CODE_CONVERGED:
      return absl::StrFormat("converged: mean loss %.4g, acts above %.4g", value, limit);
    case v1::Reason::CODE_FEW_EXAMPLES:
      return absl::StrFormat(
          "only outliers: %.2g %% of the examples carry the loss, acts from %.2g %%", 100 * value,
          100 * limit);
    case v1::Reason::CODE_PASS_UNDER_WAY:
      return absl::StrFormat("pass under way: %.0f of %.0f losses", value, limit);
    case v1::Reason::CODE_UNDER_WAY:
      return absl::StrFormat("the command of step %.0f is applied before step %.0f", value, limit);
    case v1::Reason::CODE_KEEPS_BEST:
      return limit > 0 ? absl::StrFormat("keeps its best state: mean loss %.4g, %.4g before", value,
                                         limit)
                       : absl::StrFormat("keeps its first state: mean loss %.4g", value);
    case v1::Reason::CODE_LAST_PHASE:
      return absl::StrFormat("last phase: %.0f steps to go, acts no more from %.0f", value, limit);
    case v1::Reason::CODE_RETURNS_TO_BEST:
      return absl::StrFormat("returns to its best state: mean loss %.4g, from %.4g", limit, value);
    default:
      return reason.code() == 0 ? "" : absl::StrFormat("reason %d", reason.code());
  }
}

std::string ReasonName(v1::Reason::Code code) {
  constexpr size_t kPrefix = sizeof("CODE_") - 1;
  const std::string& name = v1::Reason::Code_Name(code);
  return name.size() > kPrefix ? absl::AsciiStrToLower(name.substr(kPrefix))
                               : std::to_string(static_cast<int>(code));
}

}  // namespace lehr
