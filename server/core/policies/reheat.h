// Reheats a run that is stuck, and leaves alone one that is not.
//
// An observation is the losses of the whole data set, once a pass over it. Training between two
// commands is an *attempt*. While an attempt improves, its best state is kept as a snapshot, at
// most once in twenty steps until it pauses. When it stalls (see reheat_stall.h) with most of the
// loss still there, the best state of all attempts, the *incumbent*, is restored and perturbed by
// the next rung of a ladder. An attempt that beats the incumbent replaces it, and the ladder begins
// anew. Near the planned end nothing is perturbed any more, a worse state goes back to the
// incumbent, and a run that had stalled cools: its learning rate becomes a tenth.
//
// Deep nets die because a signal dies on its way. Where layers keep their width, the first rungs
// draw new values but let those layers pass on what they get (the identity matrix), so that the
// net starts as a shallow one and learns to use its depth. Elsewhere rungs are the stronger the
// more stalls come in a row.
//
// Where every step sees the whole data set, losses carry no noise, and the initial values alone
// decide where a net goes: draws vary in width. If it is a handful of examples (XOR), a stall shows
// in few steps, and a state that stalled would stall again, so that values are drawn anew at once:
// wider than PyTorch's, or narrower where few of the examples carry the loss.
//
// Losses are all it needs. What ranks cannot do it does without: snapshots (it then perturbs the
// state at hand), the identity, the learning rate.
//
// Pure functions on plain values; the state is small enough to be journaled with each decision.
#ifndef LEHR_SERVER_CORE_POLICIES_REHEAT_H_
#define LEHR_SERVER_CORE_POLICIES_REHEAT_H_

#include <cstdint>
#include <limits>
#include <optional>

#include "server/core/loss_window.h"
#include "server/core/observation.h"
#include "server/core/policy_context.h"
#include "server/core/proposal.h"

namespace lehr {

struct ReheatPolicy {
  // Steps that the run is planned to take, for the last phase: [0, 2^62). 0: not known, there is
  // none.
  int64_t planned_steps = 0;

  bool operator==(const ReheatPolicy&) const = default;
};

// A training state that was kept, with the mean loss that it had.
struct KeptState {
  // 0: it is not kept any more, or never was.
  uint64_t snapshot = 0;
  double mean_loss = std::numeric_limits<double>::infinity();

  bool operator==(const KeptState&) const = default;
};

// A command that was made and of which no rank has said yet that it was skipped.
struct PendingCommand {
  enum class Kind { kSnapshot = 1, kReheat = 2, kReturn = 3, kCool = 4 };

  Kind kind = Kind::kSnapshot;
  int64_t step = 0;
  int64_t apply_step = 0;
  // kSnapshot: what is kept. kReheat: the rung after it.
  KeptState kept;
  uint32_t rung = 0;
  // The factor on the learning rate after it.
  float learning_rate = 1;

  bool operator==(const PendingCommand&) const = default;
};

struct ReheatState {
  // The pass over the data set that is under way.
  uint64_t pass_losses = 0;
  uint32_t pass_steps = 0;
  // The sum of the shares of the loss that tied, over the steps that had one.
  double pass_tied = 0;
  uint32_t pass_tied_steps = 0;
  // The mean loss of the first observation. Unset: there was none.
  std::optional<double> first_mean;

  // This attempt: its observations, the least mean loss, the one at the last improvement by a
  // hundredth, observations since then, and those in a row that are far above the least.
  uint32_t age = 0;
  double best = std::numeric_limits<double>::infinity();
  double mark = std::numeric_limits<double>::infinity();
  uint32_t since_mark = 0;
  uint32_t far_above = 0;
  // Observations in a row at which the loss was bound for a limit near by (without noise only).
  uint32_t bound = 0;
  // The share of the loss that ties, smoothed over the observations. Unset: none had one.
  std::optional<double> tied;
  LossWindow window;
  KeptState kept;

  KeptState incumbent;
  // Rungs taken since the incumbent was last clearly improved.
  uint32_t rung = 0;
  // Stalls that were acted on.
  uint32_t stalls = 0;
  bool in_last_phase = false;
  // The factor on the learning rate that the ranks were told.
  float learning_rate = 1;
  std::optional<PendingCommand> pending;

  bool operator==(const ReheatState&) const = default;
};

// Observes the step, and proposes what to do. A proposed command counts from its apply_step on,
// unless it is forgotten before.
Proposal Propose(const ReheatPolicy& policy, ReheatState& state, const Observation& observation,
                 const PolicyContext& context);

// The ranks begin anew: their learning rate is as planned.
void BeginGeneration(ReheatState& state);

// What was proposed at `step` was not done: withheld by a guard, or skipped by the ranks.
void ForgetCommand(ReheatState& state, int64_t step);

// The state after a decision that was made before, from what is left of it.
void Replay(ReheatState& state, const StepDecision& decision);

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_POLICIES_REHEAT_H_
