#include "server/core/policies/reheat_stall.h"

#include <algorithm>
#include <cmath>

#include "server/core/loss_window.h"

namespace lehr {
namespace {

// Improvement that counts.
constexpr double kImprovement = 0.99;
// Collapsed: this far above the attempt's best.
constexpr double kCollapse = 1.5;
// Above this share of the first loss, nothing was learned.
constexpr double kNothingLearned = 0.9;
// Slow: no improvement for this share of the attempt. That of a run that was never perturbed lasts
// longer in two cases: while it has learned nothing, and where it has a handful of examples.
constexpr double kSlowShare = 0.3;
constexpr double kLeastSlow = 100;

// Dead data: this share of the loss ties, smoothed over the observations of the attempt, and it is
// this share of the first loss.
constexpr double kDead = 0.01;
constexpr double kDeadOfFirst = 0.002;
constexpr double kNewestWeight = 0.1;

bool HasDeadData(const ReheatState& state, double mean) {
  return state.tied && *state.tied >= kDead &&
         *state.tied * mean >= kDeadOfFirst * *state.first_mean;
}

// A run that was never perturbed and has learned something is judged by its dead data alone, where
// that shows: it may have converged, learn slowly, or jump about.
bool OnlyDeadDataCount(const ReheatState& state) {
  return state.stalls == 0 && state.tied && !HasLearnedNothing(state, state.best);
}

// --- Of many examples. ---

// Shorter than this many observations, or steps, no stall is seen.
constexpr double kLeastObservations = 5;
constexpr double kLeastSteps = 25;
// A short leap at a large learning rate is no collapse.
constexpr double kLeastStepsCollapsed = 100;
// Flat: the mean losses of this share of the attempt lie within kFlatRange of each other, and their
// trend would not move them by kFlatTrend over an attempt as long as this one.
constexpr double kFlatShare = 0.15;
constexpr double kFlatRange = 0.02;
constexpr double kFlatTrend = 0.05;
// A run that has learned nothing yet and was never perturbed may be a slow start, whose loss falls
// by less than its noise: the evidence has to be stronger, over more of the attempt.
constexpr double kLeastStepsOfNothing = 200;
constexpr double kFlatShareOfNothing = 0.5;
constexpr double kFlatRangeOfNothing = 0.001;
constexpr double kFlatTrendOfNothing = 0.001;

// Dead data is a stall after this many observations without improvement, this share of the attempt,
// and steps of the attempt.
constexpr double kLeastPauseOfDead = 3;
constexpr double kPauseShareOfDead = 0.05;
constexpr double kLeastStepsDead = 200;

uint32_t LeastWindow(double least_steps, const Pass& pass) {
  return static_cast<uint32_t>(std::max(kLeastObservations, std::ceil(least_steps / pass.steps)));
}

// What it takes to call losses flat, or slow. Windows are in observations.
struct Limits {
  uint32_t least_window;
  double flat_share;
  double flat_range;
  double flat_trend;
  double slow;
};

Limits LimitsFor(const ReheatState& state, double mean, const Pass& pass) {
  const double slow = std::ceil(kSlowShare * state.age);
  if (state.stalls == 0 && HasLearnedNothing(state, mean)) {
    return {.least_window = LeastWindow(kLeastStepsOfNothing, pass),
            .flat_share = kFlatShareOfNothing,
            .flat_range = kFlatRangeOfNothing,
            .flat_trend = kFlatTrendOfNothing,
            .slow = std::max(kLeastSlow, slow)};
  }
  return {.least_window = LeastWindow(kLeastSteps, pass),
          .flat_share = kFlatShare,
          .flat_range = kFlatRange,
          .flat_trend = kFlatTrend,
          .slow = slow};
}

// Without noise, a loss that is at its best falls, however slowly, unless it does not move at all.
bool StillFalls(const ReheatState& state, double mean, const Pass& pass) {
  return IsNoiseless(pass) && mean <= state.best && RelativeRange(state.window) > 0;
}

std::optional<Reason> FindStallOfMany(const ReheatState& state, double mean, const Pass& pass) {
  const double pause = std::max(kLeastPauseOfDead, kPauseShareOfDead * state.age);
  if (HasDeadData(state, mean) && state.since_mark >= pause &&
      state.age * pass.steps >= kLeastStepsDead) {
    return Reason{ReasonCode::kStallDead, *state.tied, kDead};
  }
  if (OnlyDeadDataCount(state) || (state.stalls == 0 && StillFalls(state, mean, pass))) {
    return std::nullopt;
  }
  if (state.far_above >= LeastWindow(kLeastStepsCollapsed, pass)) {
    return Reason{ReasonCode::kStallCollapsed, mean, kCollapse * state.best};
  }
  const Limits limits = LimitsFor(state, mean, pass);
  if (state.since_mark < limits.least_window) {
    return std::nullopt;
  }
  const double range = RelativeRange(state.window);
  if (state.window.length >= limits.least_window && range <= limits.flat_range &&
      DeclineRate(state.window) * state.age < limits.flat_trend) {
    return Reason{ReasonCode::kStallFlat, range, limits.flat_range};
  }
  if (state.since_mark >= limits.slow) {
    return Reason{ReasonCode::kStallSlow, static_cast<double>(state.since_mark), limits.slow};
  }
  return std::nullopt;
}

// --- Of a handful, without noise. ---

// Bound: over this share of the attempt, this many observations at least, the loss falls less and
// less, so that at most kFallLeft of it would ever go. Each net begins with a short fall of that
// kind, that of its output's bias: as long as nothing was learned, the evidence has to be stronger.
constexpr double kBoundShare = 1.0 / 3;
constexpr uint32_t kBoundObservations = 8;
constexpr double kFallLeft = 0.12;
constexpr double kFallLeftOfNothing = 0.01;
constexpr uint32_t kLeastAgeOfNothing = 25;
// Observations in a row.
constexpr uint32_t kBoundInARow = 5;
constexpr uint32_t kCollapsedInARow = 25;
// Once the run has stalled: so many observations without improvement, twice as many after every
// kStallsOfPatience stalls, so that an attempt that needs long gets there too.
constexpr uint32_t kPatience = 3;
constexpr uint32_t kStallsOfPatience = 48;
constexpr uint32_t kMaxDoublings = 20;

bool IsBound(const ReheatState& state, double mean) {
  const std::optional<Fall> fall = ProjectFall(state.window);
  if (!fall || (HasLearnedNothing(state, mean) && state.age < kLeastAgeOfNothing)) {
    return false;
  }
  const double left = HasLearnedNothing(state, fall->newest) ? kFallLeftOfNothing : kFallLeft;
  return fall->left < left * fall->newest;
}

double Patience(const ReheatState& state) {
  if (state.stalls == 0) {
    return std::max(kLeastSlow, std::ceil(kSlowShare * state.age));
  }
  return kPatience * std::exp2(std::min(kMaxDoublings, state.stalls / kStallsOfPatience));
}

std::optional<Reason> FindStallOfHandful(const ReheatState& state, double mean) {
  if (state.bound >= kBoundInARow) {
    const std::optional<Fall> fall = ProjectFall(state.window);
    return Reason{ReasonCode::kStallBound, mean, fall ? fall->newest - fall->left : mean};
  }
  if (state.far_above >= kCollapsedInARow) {
    return Reason{ReasonCode::kStallCollapsed, mean, kCollapse * state.best};
  }
  // A loss that falls ever so slowly is no stall, unless the run is known to be stuck.
  const bool falls = state.stalls == 0 && mean <= state.best;
  if (state.since_mark >= Patience(state) && !falls) {
    return Reason{ReasonCode::kStallSlow, static_cast<double>(state.since_mark), Patience(state)};
  }
  return std::nullopt;
}

}  // namespace

void ObserveAttempt(ReheatState& state, double mean, const std::optional<double>& tied,
                    const Pass& pass) {
  ++state.age;
  state.best = std::min(state.best, mean);
  if (mean < kImprovement * state.mark) {
    state.mark = mean;
    state.since_mark = 0;
  } else {
    ++state.since_mark;
  }
  if (tied) {
    // From 0: what ties at the beginning has time to come apart.
    const double before = state.tied.value_or(0);
    state.tied = before + kNewestWeight * (*tied - before);
  }
  state.far_above = mean > kCollapse * state.best ? state.far_above + 1 : 0;
  if (IsHandful(pass)) {
    state.window.Add(mean, std::max<uint32_t>(kBoundObservations, kBoundShare * state.age));
    state.bound = IsBound(state, mean) ? state.bound + 1 : 0;
  } else {
    const Limits limits = LimitsFor(state, mean, pass);
    state.window.Add(mean, std::max<uint32_t>(limits.least_window, limits.flat_share * state.age));
  }
}

std::optional<Reason> FindStall(const ReheatState& state, double mean, const Pass& pass) {
  return IsHandful(pass) ? FindStallOfHandful(state, mean) : FindStallOfMany(state, mean, pass);
}

Reason WhyNoStall(const ReheatState& state, double mean, const Pass& pass) {
  const auto since = static_cast<double>(state.since_mark);
  if (IsHandful(pass)) {
    return {ReasonCode::kImproving, since, Patience(state)};
  }
  const Limits limits = LimitsFor(state, mean, pass);
  if (state.since_mark < limits.least_window) {
    return {ReasonCode::kImproving, since, static_cast<double>(limits.least_window)};
  }
  return OnlyDeadDataCount(state) && !HasDeadData(state, mean)
             ? Reason{ReasonCode::kNothingDead, *state.tied, kDead}
             : Reason{ReasonCode::kStillMoving, since, limits.slow};
}

bool HasLearnedNothing(const ReheatState& state, double mean) {
  return mean > kNothingLearned * *state.first_mean;
}

}  // namespace lehr
