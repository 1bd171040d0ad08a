// The paper's rule: noise in proportion to the temperature, at each step.
#ifndef LEHR_SERVER_CORE_POLICIES_ERROR_DRIVEN_H_
#define LEHR_SERVER_CORE_POLICIES_ERROR_DRIVEN_H_

#include "server/core/observation.h"
#include "server/core/proposal.h"

namespace lehr {

struct ErrorDrivenPolicy {
  // Noise standard deviation per unit of temperature. Finite, >= 0; the paper's sigma is 1.
  double base_noise_level = 1;
  // No noise at or below this unsquared imbalance. [0, 1].
  double min_imbalance = 0;

  bool operator==(const ErrorDrivenPolicy&) const = default;
};

// stddev = base_noise_level * T in parameter units, or a reason why not.
Proposal Propose(const ErrorDrivenPolicy& policy, const Observation& observation);

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_POLICIES_ERROR_DRIVEN_H_
