#include "server/core/policies/error_driven.h"

#include <cmath>
#include <limits>

namespace lehr {

Proposal Propose(const ErrorDrivenPolicy& policy, const Observation& observation) {
  const Temperature& measured = observation.temperature;
  if (measured.count == 0) {
    const ExcludedLosses& excluded = observation.excluded;
    return {.reason = {ReasonCode::kNoLosses,
                       static_cast<double>(excluded.nan + excluded.infinite + excluded.negative)}};
  }
  if (measured.temperature > 0 && measured.unsquared_imbalance <= policy.min_imbalance) {
    return {.reason = {ReasonCode::kBalanced, measured.unsquared_imbalance, policy.min_imbalance}};
  }
  const double stddev = policy.base_noise_level * measured.temperature;
  // The wire carries binary32.
  if (!(stddev <= std::numeric_limits<float>::max())) {
    return {.reason = {ReasonCode::kStddevNotFinite, stddev}};
  }
  PerturbAction perturbation;
  perturbation.stddev = static_cast<float>(stddev);
  if (perturbation.stddev == 0) {
    return {.reason = {ReasonCode::kZeroStddev, measured.temperature}};
  }
  return {.actions = {perturbation}, .reason = {ReasonCode::kActed, stddev}};
}

}  // namespace lehr
