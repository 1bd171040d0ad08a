#include "server/core/run_condition.h"

#include <algorithm>
#include <cmath>

namespace lehr {
namespace {

constexpr size_t kMaxMarks = 64;

// By how much of the mean loss the least-squares line through the window falls over its length,
// with kFlatSigmas standard deviations of its slope in favour of a fall.
double GreatestFall(const LossWindow& window) {
  double total = 0;
  double position = 0;
  double loss = 0;
  for (const LossBlock& block : window.blocks) {
    position += (total + block.count / 2.0) * block.count;
    loss += static_cast<double>(block.mean) * block.count;
    total += block.count;
  }
  position /= total;
  loss /= total;
  double variance = 0;
  double covariance = 0;
  double loss_variance = 0;
  double begin = 0;
  for (const LossBlock& block : window.blocks) {
    const double offset = begin + block.count / 2.0 - position;
    const double excess = block.mean - loss;
    variance += block.count * offset * offset;
    covariance += block.count * offset * excess;
    loss_variance += block.count * excess * excess;
    begin += block.count;
  }
  const double slope = covariance / variance;
  const double residue = std::max(loss_variance - slope * covariance, 0.0);
  const double freedom = static_cast<double>(window.blocks.size()) - 2;
  const double error = std::sqrt(residue / freedom / variance);
  return (kFlatSigmas * error - slope) * total / loss;
}

}  // namespace

void RunCondition::Add(const ConditionPoint& point) {
  if (point.step <= newest_step_) {
    return;
  }
  newest_step_ = point.step;
  if (point.mean) {
    Observe(point, *point.mean);
    Judge(point);
  }
  if (point.acted) {
    NoteAct(point);
  }
}

std::optional<double> RunCondition::loss_before_act() const {
  return before_ ? std::optional(before_->mean) : std::nullopt;
}

std::optional<double> RunCondition::loss_now() const {
  return recent_.empty() ? std::nullopt : std::optional(Now().mean);
}

RunCondition::Level RunCondition::Now() const {
  const auto count = static_cast<double>(recent_.size());
  double sum = 0;
  for (const double mean : recent_) {
    sum += mean;
  }
  const double mean = sum / count;
  double squares = 0;
  for (const double value : recent_) {
    squares += (value - mean) * (value - mean);
  }
  return {.mean = mean, .deviation = std::sqrt(squares / std::max(count - 1, 1.0) / count)};
}

bool RunCondition::IsClearlyBelow(const Level& level, const Level& before) {
  return level.mean < before.mean - std::max(kClearly * before.mean, kSigmas * before.deviation);
}

bool RunCondition::IsHot(double temperature) const {
  const double mean = Now().mean;
  return mean > kConverged * *first_mean_ &&
         (temperature >= kHot * greatest_temperature_ || mean >= kNothingLearned * *first_mean_);
}

bool RunCondition::IsFlat() const {
  return window_.length >= kFlatLeast && window_.blocks.back().mean > 0 &&
         GreatestFall(window_) < kFlatFall;
}

void RunCondition::Observe(const ConditionPoint& point, double mean) {
  first_mean_ = first_mean_.value_or(mean);
  greatest_temperature_ = std::max(greatest_temperature_, point.temperature);
  recent_.push_back(mean);
  if (recent_.size() > kRecent) {
    recent_.pop_front();
  }
  if (since_.step < 0) {
    since_ = {point.step, point.closed};
  }
  since_act_ = std::min(since_act_ + 1, kQuiet);
  settled_ += before_.has_value() && point.step >= settles_from_ ? 1 : 0;
  // What an attempt begins with is what comes after its first change.
  if (!before_ || settled_ > 0) {
    ++age_;
    window_.Add(mean, std::max(kFlatLeast, age_ / kFlatShare));
    RememberMark({point.step, point.closed});
  }
}

void RunCondition::Judge(const ConditionPoint& point) {
  const Moment moment = {point.step, point.closed};
  const bool hot = IsHot(point.temperature);
  if (point.stall_seen && condition_ != Condition::kStalled) {
    Become(Condition::kStalled, FlatSince());
    return;
  }
  switch (condition_) {
    case Condition::kHealthy:
      if (hot && IsFlat()) {
        Become(Condition::kStalled, FlatSince());
      }
      break;
    case Condition::kStalled:
      if (!IsClearlyBelow(Now(), stalled_)) {
        break;
      }
      if (before_ && since_act_ < kQuiet) {
        before_ = stalled_;
        Become(Condition::kRecovering, moment);
      } else {
        Become(Condition::kHealthy, moment);
      }
      BeginAttempt();
      break;
    case Condition::kPerturbed:
      if (settled_ < kSettle) {
        break;
      }
      if (!hot) {
        Become(Condition::kHealthy, moment);
      } else if (IsClearlyBelow(Now(), *before_)) {
        Become(Condition::kRecovering, moment);
      } else if (IsFlat()) {
        Become(Condition::kStalled, FlatSince());
      }
      break;
    case Condition::kRecovering:
      ++below_;
      if (!hot || below_ >= kRecovered || Now().mean <= before_->mean / 2) {
        Become(Condition::kHealthy, moment);
      } else if (Now().mean >= before_->mean) {
        Become(Condition::kPerturbed, moment);
      } else if (IsFlat()) {
        Become(Condition::kStalled, FlatSince());
      }
      break;
  }
}

void RunCondition::NoteAct(const ConditionPoint& point) {
  last_acted_step_ = point.step;
  const bool begins = since_act_ >= kQuiet && !recent_.empty();
  since_act_ = 0;
  if (!begins) {
    return;
  }
  before_ = Now();
  settled_ = 0;
  settles_from_ = point.apply_step;
  BeginAttempt();
  Become(Condition::kPerturbed, {point.step, point.closed});
}

void RunCondition::BeginAttempt() {
  age_ = 0;
  window_ = {};
  marks_.clear();
  mark_stride_ = 1;
}

void RunCondition::RememberMark(const Moment& moment) {
  if ((age_ - 1) % mark_stride_ == 0) {
    marks_.push_back({age_, moment});
  }
  if (marks_.size() > kMaxMarks) {
    mark_stride_ *= 2;
    std::erase_if(marks_, [&](const Mark& mark) { return (mark.age - 1) % mark_stride_ != 0; });
  }
}

// Where the window began.
RunCondition::Moment RunCondition::FlatSince() const {
  Moment since = marks_.empty() ? since_ : marks_.front().moment;
  for (const Mark& mark : marks_) {
    if (mark.age + window_.length <= age_ + 1) {
      since = mark.moment;
    }
  }
  return since;
}

void RunCondition::Become(Condition condition, const Moment& moment) {
  condition_ = condition;
  since_ = moment;
  below_ = 0;
  if (condition == Condition::kStalled) {
    stalled_ = Now();
  }
}

}  // namespace lehr
