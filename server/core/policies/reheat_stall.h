// Whether an attempt of reheat is stuck, from the losses that it had so far.
//
// Losses of mini-batches carry noise. Dead data, examples that get one output because no gradient
// reaches them, give themselves away by losses that tie: that is a stall as soon as the rest
// pauses. Others are a flat mean over a share of the attempt, long no improvement, or a collapse.
// But a run that was never perturbed, has learned something and has no dead data is not stuck: it
// may have converged to a loss that nothing lowers, learn slowly, or jump about. And it may learn
// nothing at first: that is a stall only where it is flatter, and for longer. Where no tie can show
// (steps of few losses), the mean alone is judged.
//
// Where every step sees the whole data set the mean has no noise: a loss that falls, however
// slowly, is no stall of a run that was never perturbed. Where that is a handful of examples, too
// few to tie (XOR), the curvature of the mean tells where it leads; it is judged by that, whatever
// the learning rate, until the run has stalled once. Then an attempt must improve all the time.
//
// Pure functions on plain values.
#ifndef LEHR_SERVER_CORE_POLICIES_REHEAT_STALL_H_
#define LEHR_SERVER_CORE_POLICIES_REHEAT_STALL_H_

#include <cstdint>
#include <optional>

#include "server/core/decision.h"
#include "server/core/policies/reheat.h"
#include "server/core/tied_losses.h"

namespace lehr {

// One pass over the data set, which is one observation.
struct Pass {
  uint32_t steps = 1;
  uint64_t losses = 0;
};

// Whether every observation is of one step, and so without the noise of sampling.
inline bool IsNoiseless(const Pass& pass) { return pass.steps == 1; }

// Whether that step sees a handful of examples, too few to tie.
inline bool IsHandful(const Pass& pass) {
  return IsNoiseless(pass) && pass.losses < TiedLosses::kLeast;
}

// Counts one observation of the attempt. state.first_mean is set, `mean` finite and >= 0.
// `tied`: the share of the loss that tied, if it is known.
void ObserveAttempt(ReheatState& state, double mean, const std::optional<double>& tied,
                    const Pass& pass);

// Why the attempt is stuck, if it is, after the observation of `mean`.
std::optional<Reason> FindStall(const ReheatState& state, double mean, const Pass& pass);

// Why it is not, where it is not.
Reason WhyNoStall(const ReheatState& state, double mean, const Pass& pass);

// Whether a mean loss is so near to the run's first one that nothing was learned.
bool HasLearnedNothing(const ReheatState& state, double mean);

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_POLICIES_REHEAT_STALL_H_
