// The policy of a run: a rule, and whether it may act.
//
// A policy is a pure function (state, observation) -> (state, proposal). Its errors are the
// caller's: CheckPolicy first.
#ifndef LEHR_SERVER_CORE_POLICY_H_
#define LEHR_SERVER_CORE_POLICY_H_

#include <string>
#include <variant>

#include "absl/status/status.h"
#include "server/core/policies/error_driven.h"
#include "server/core/policies/reheat.h"

namespace lehr {

struct Policy {
  std::variant<ErrorDrivenPolicy, ReheatPolicy> rule;
  // Shadow mode: the rule decides, and nothing is commanded.
  bool observe = false;

  bool operator==(const Policy&) const = default;
};

// What a rule remembers. Small enough to be journaled with each decision.
using PolicyState = std::variant<std::monostate, ReheatState>;

// INVALID_ARGUMENT with the field and its value if a field is out of its bounds.
absl::Status CheckPolicy(const Policy& policy);

// As on flags and pages: the rule's name, with "observe:" before it in shadow mode.
std::string PolicyName(const Policy& policy);

// Changes `state`; one that is of another rule is begun anew.
Proposal Propose(const Policy& policy, PolicyState& state, const Observation& observation,
                 const PolicyContext& context);

// A new generation goes on with the state that one before it left.
void BeginGeneration(PolicyState& state);

// What was proposed at `step` was withheld, or the ranks skipped it.
void ForgetCommand(PolicyState& state, int64_t step);

// The state after a decision that was made before, from what is left of it.
void Replay(const Policy& policy, PolicyState& state, const StepDecision& decision);

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_POLICY_H_
