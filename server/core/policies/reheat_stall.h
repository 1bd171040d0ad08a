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
// Where every step sees the whole data set the
// curve is smooth, and its curvature tells where it leads; it is judged by that, whatever its
// learning rate, until the run has stalled once. Then an attempt must improve all the time.
//
// Pure functions on plain values.
#ifndef LEHR_SERVER_CORE_POLICIES_REHEAT_STALL_H_
#define LEHR_SERVER_CORE_POLICIES_REHEAT_STALL_H_

#include <cstdint>
#include <optional>

#include "server/core/decision.h"
#include "server/core/policies/reheat.h"

namespace lehr {

// Whether every observation is of one step, and so without the noise of sampling.
inline bool IsNoiseless(uint32_t steps_per_observation) { return steps_per_observation == 1; }

// Counts one observation of the attempt. state.first_mean is set, `mean` finite and >= 0.
// `tied`: the share of the loss that tied, if it is known.
void ObserveAttempt(ReheatState& state, double mean, const std::optional<double>& tied,
                    uint32_t steps_per_observation);

// Why the attempt is stuck, if it is, after the observation of `mean`.
std::optional<Reason> FindStall(const ReheatState& state, double mean,
                                uint32_t steps_per_observation);

// Why it is not, where it is not.
Reason WhyNoStall(const ReheatState& state, double mean, uint32_t steps_per_observation);

// Whether a mean loss is so near to the run's first one that nothing was learned.
bool HasLearnedNothing(const ReheatState& state, double mean);

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_POLICIES_REHEAT_STALL_H_
