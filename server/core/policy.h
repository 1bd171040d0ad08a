// The policy of a run: a rule, and whether it may act.
//
// A policy is a pure function of what was observed. Its errors are the caller's: CheckPolicy first.
#ifndef LEHR_SERVER_CORE_POLICY_H_
#define LEHR_SERVER_CORE_POLICY_H_

#include <string>
#include <variant>

#include "absl/status/status.h"
#include "server/core/policies/error_driven.h"

namespace lehr {

struct Policy {
  std::variant<ErrorDrivenPolicy> rule;
  // Shadow mode: the rule decides, and nothing is commanded.
  bool observe = false;

  bool operator==(const Policy&) const = default;
};

// INVALID_ARGUMENT with the field and its value if a field is out of its bounds.
absl::Status CheckPolicy(const Policy& policy);

// As on flags and pages: the rule's name, with "observe:" before it in shadow mode.
std::string PolicyName(const Policy& policy);

Proposal Propose(const Policy& policy, const Observation& observation);

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_POLICY_H_
