// What a supervisor decides about one step: the actions that every rank is to take, and why.
//
// Plain values, no threading concerns. The wire forms are in proto/lehr/v1/decision.proto.
#ifndef LEHR_SERVER_CORE_DECISION_H_
#define LEHR_SERVER_CORE_DECISION_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "server/core/observation.h"

namespace lehr {

// Why a decision is what it is. `value` and `limit` of a Reason mean what decision.proto says of
// the code of the same name.
enum class ReasonCode {
  kActed = 1,
  kZeroStddev = 2,
  kBalanced = 3,
  kObserveOnly = 4,
  kCooldown = 5,
  kBudgetSpent = 6,
  kBreakerOpen = 7,
  kActingStopped = 8,
  kBelowQuorum = 9,
  kUnknownAfterCrash = 10,
  kNoLosses = 11,
  kNoAgree = 12,
  kStddevNotFinite = 13,
  kRankLeft = 14,
  kWarmingUp = 15,
  kSnapshotMissing = 16,
  kStallFlat = 17,
  kStallSlow = 18,
  kStallCollapsed = 19,
  kImproving = 20,
  kStillMoving = 21,
  kConverged = 22,
  kFewExamples = 23,
  kPassUnderWay = 24,
  kUnderWay = 25,
  kKeepsBest = 26,
  kLastPhase = 27,
  kReturnsToBest = 28,
  kStallBound = 29,
  kStallDead = 30,
  kNothingDead = 31,
  kCools = 32,
  kNoNoiseSpec = 40,
};

struct Reason {
  ReasonCode code;
  double value = 0;
  double limit = 0;
};

enum class ActionScale { kAbsolute, kRelative };
enum class ActionOptimizerState { kKeep, kReset };

// theta <- shrink * theta + sigma * z(seed, tensor, index) on every rank; see
// proto/lehr/v1/NOISE.md.
struct PerturbAction {
  uint64_t id = 0;
  uint64_t seed = 0;
  float stddev = 0;
  ActionScale scale = ActionScale::kAbsolute;
  float shrink = 1;
  ActionOptimizerState optimizer_state = ActionOptimizerState::kKeep;
  std::string tensor_selector;
};

// Every rank keeps a copy of its training state under this id.
struct SnapshotAction {
  uint64_t id = 0;
};

// Every rank makes its training state what it was at the snapshot of this id.
struct RestoreAction {
  uint64_t id = 0;
};

// Every rank makes the tensors that the opener declared square the identity matrix.
struct IdentityAction {};

// Every rank multiplies its learning rate by this, in place of the factor before it. (0, 1].
struct LearningRateAction {
  float factor = 1;
};

using Action =
    std::variant<PerturbAction, SnapshotAction, RestoreAction, IdentityAction, LearningRateAction>;

// Whether the actions change what is trained: a snapshot alone does not.
inline bool ChangesParameters(const std::vector<Action>& actions) {
  for (const Action& action : actions) {
    if (!std::holds_alternative<SnapshotAction>(action)) {
      return true;
    }
  }
  return false;
}

// The decision about (generation, step). Made once, then never changed.
struct StepDecision {
  uint64_t generation = 0;
  int64_t step = 0;
  int64_t apply_step = 0;
  Observation observation;
  Reason reason;
  // Applied in this order by every rank, or by none.
  std::vector<Action> actions;
  // What the policy wanted and was not allowed to do.
  std::vector<Action> withheld;
  uint32_t reports = 0;
  absl::Time closed;
  std::string policy;
};

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_DECISION_H_
