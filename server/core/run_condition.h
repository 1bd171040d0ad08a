// How a run fares, for people: healthy, stalled, perturbed or recovering, since when, and whether
// what was done has helped. It is watched from outside, whatever the policy, and decides nothing.
//
// A pure state machine over the decisions of a generation; not thread-safe. Its memory is bounded.
//
//   RunCondition condition;
//   condition.Add({.step = 0, .closed = now, .mean = 0.7, .temperature = 2, .acted = true});
//   if (condition.condition() == Condition::kStalled) Say(condition.since_step());
//
// An *attempt* is what is trained between two changes of the parameters, or rows of changes that
// are less than kQuiet observations apart: a policy that adds noise at every step makes one
// attempt.
//
// - The loss is *flat* where the line through the newest quarter of the attempt, and no less than
//   kFlatLeast observations, does not fall by kFlatFall of the loss, kFlatSigmas standard
//   deviations of its slope taken in its favour: the noisier the losses, the longer it takes to
//   tell.
// - The run is *hot* where the temperature is not below kHot of its greatest, or where the loss has
//   not left kNothingLearned of the first one; where less than kConverged of the first loss is
//   left, it never is.
// - Flat and hot is *stalled*, acted upon or not; so is what a policy says has stalled. It is over
//   once the loss is clearly below that of the stall.
// - A change of the parameters after a quiet time makes the run *perturbed*. After kSettle
//   observations it is *healthy* where it is not hot, or *recovering* once the loss is clearly
//   below what it was before.
// - Recovering becomes healthy when half of the loss is gone, the run is no longer hot, or
//   kRecovered observations were below; and perturbed again when the loss is back.
//
// "Clearly" is by kClearly, and by kSigmas standard deviations of a mean over kRecent observations.
#ifndef LEHR_SERVER_CORE_RUN_CONDITION_H_
#define LEHR_SERVER_CORE_RUN_CONDITION_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "server/core/loss_window.h"

namespace lehr {

// Observations that a level is the mean of.
inline constexpr size_t kRecent = 16;
// Observations after a change before anything is said of it: those of a level.
inline constexpr uint32_t kSettle = kRecent;
// Changes that lie further apart, in observations, begin a new attempt.
inline constexpr uint32_t kQuiet = 64;
// The shortest window that is called flat, in observations, and its share of the attempt.
inline constexpr uint32_t kFlatLeast = 64;
inline constexpr uint32_t kFlatShare = 4;
// A line that falls by less than this share of the loss over the window is flat. A loss that falls
// as the tenth root of the steps, as a language model's late ones do, falls by 0.029.
inline constexpr double kFlatFall = 0.02;
inline constexpr double kFlatSigmas = 2;
inline constexpr double kClearly = 0.02;
inline constexpr double kSigmas = 3;
inline constexpr double kHot = 0.1;
inline constexpr double kNothingLearned = 0.9;
inline constexpr double kConverged = 0.02;
// Observations below the loss before the change that make a run healthy again.
inline constexpr uint32_t kRecovered = 256;

enum class Condition { kHealthy, kStalled, kPerturbed, kRecovering };

// What the condition is judged by: a decision, or several in one.
struct ConditionPoint {
  int64_t step = 0;
  absl::Time closed;
  // Unset: nothing was measured. Unit: that of the loss.
  std::optional<double> mean;
  double temperature = 0;
  // The decision changes parameters, before this step.
  bool acted = false;
  int64_t apply_step = 0;
  // The policy says that the run has stalled.
  bool stall_seen = false;
};

class RunCondition {
 public:
  // In the order of steps; one that is not beyond the newest is left out.
  void Add(const ConditionPoint& point);

  Condition condition() const { return condition_; }
  // Where it began; of a stall, where the loss went flat. -1: before the first point.
  int64_t since_step() const { return since_.step; }
  // InfinitePast: before the first point.
  absl::Time since() const { return since_.time; }

  // Of the newest change of the parameters.
  std::optional<int64_t> last_acted_step() const { return last_acted_step_; }
  // The level before the attempt. Unset: it did not begin with a change.
  std::optional<double> loss_before_act() const;
  // The level now. Unset: nothing was measured.
  std::optional<double> loss_now() const;

 private:
  // A mean over up to kRecent observations, and its standard deviation.
  struct Level {
    double mean = 0;
    double deviation = 0;
  };
  struct Moment {
    int64_t step = -1;
    absl::Time time = absl::InfinitePast();
  };
  struct Mark {
    uint32_t age = 0;
    Moment moment;
  };

  Level Now() const;
  static bool IsClearlyBelow(const Level& level, const Level& before);
  bool IsHot(double temperature) const;
  bool IsFlat() const;

  void Observe(const ConditionPoint& point, double mean);
  void Judge(const ConditionPoint& point);
  void NoteAct(const ConditionPoint& point);
  void BeginAttempt();
  void RememberMark(const Moment& moment);
  Moment FlatSince() const;
  void Become(Condition condition, const Moment& moment);

  Condition condition_ = Condition::kHealthy;
  Moment since_;
  int64_t newest_step_ = -1;

  // Of the generation.
  std::optional<double> first_mean_;
  double greatest_temperature_ = 0;
  std::optional<int64_t> last_acted_step_;
  uint32_t since_act_ = kQuiet;

  // The newest losses. Bound: kRecent.
  std::deque<double> recent_;

  // Of the attempt. Observations; of those, the ones after its first change took effect.
  uint32_t age_ = 0;
  uint32_t settled_ = 0;
  int64_t settles_from_ = 0;
  uint32_t below_ = 0;
  std::optional<Level> before_;
  LossWindow window_;
  // When the attempt had which age, every mark_stride_ observations. Bound: 64.
  std::vector<Mark> marks_;
  uint32_t mark_stride_ = 1;

  // Of the stall.
  Level stalled_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_RUN_CONDITION_H_
