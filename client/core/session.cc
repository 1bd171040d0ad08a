#include "client/core/session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace lehr {

Session::Session(const Options& options)
    : options_(options),
      lag_(options.lag),
      resume_step_(options.resume_step),
      settled_through_(options.resume_step) {}

JoinFacts Session::BeginJoin() {
  state_ = State::kJoining;
  if (generation_ == 0 && !unanswered_.empty()) {
    // The trainer went on alone; the supervisor need not wait for the steps that it missed.
    resume_step_ = std::max(options_.resume_step, unanswered_.front()->step);
  }
  JoinFacts facts = {.generation = generation_,
                     .highest_epoch = highest_epoch_,
                     .highest_step = highest_sent_,
                     .resume_step = resume_step_};
  for (const auto& [step, record] : held_) {
    facts.held.push_back(record);
  }
  return facts;
}

absl::Status Session::Welcomed(const WelcomeFacts& welcome, absl::Time now) {
  if (state_ == State::kClosed) {
    return absl::CancelledError("the session is closed");
  }
  if (welcome.epoch < highest_epoch_) {
    return absl::FailedPreconditionError(absl::StrCat("the supervisor's epoch is ", welcome.epoch,
                                                      ", lower than ", highest_epoch_,
                                                      " that was seen before: it was replaced"));
  }
  if (welcome.generation != generation_) {
    EnterGeneration(welcome.generation);
  }
  state_ = State::kJoined;
  highest_epoch_ = welcome.epoch;
  lag_ = std::clamp<int64_t>(welcome.lag, 0, kMaxLag);
  digest_every_steps_ = welcome.digest_every_steps;
  decided_through_ = std::max(decided_through_, welcome.next_step - 1);
  ForgetDurable(welcome.durable_through);
  patient_ = true;
  pause_sent_ = false;
  // Answers come on the stream that asked.
  awaited_.clear();
  for (const auto& report : unanswered_) {
    awaited_.push_back(report->step);
  }
  if (!ever_joined_ && now < wait_deadline_) {
    wait_deadline_ = now + options_.decision_timeout;
  }
  ever_joined_ = true;
  return absl::OkStatus();
}

void Session::EnterGeneration(uint64_t generation) {
  if (generation_ != 0) {
    held_.clear();
    commands_by_apply_step_.clear();
    outcome_.reset();
    checkpoint_.reset();
    highest_sent_ = -1;
    decided_through_ = -1;
  }
  generation_ = generation;
}

std::vector<std::shared_ptr<const RankReport>> Session::Unanswered() {
  if (!unanswered_.empty()) {
    highest_sent_ = std::max(highest_sent_, unanswered_.back()->step);
  }
  return {unanswered_.begin(), unanswered_.end()};
}

Session::Arrival Session::TakeDecision(HeldDecision decision) {
  if (decision.generation != generation_) {
    return Arrival::kOtherGeneration;
  }
  if (decision.epoch < highest_epoch_) {
    return Arrival::kStaleEpoch;
  }
  if (decision.step < 0 || decision.apply_step <= decision.step ||
      decision.apply_step > decision.step + 1 + kMaxLag) {
    return Arrival::kMalformed;
  }
  highest_epoch_ = decision.epoch;
  decided_through_ = std::max(decided_through_, decision.step);
  const bool was_awaited = Answered(decision.step);

  ForgetDurable(decision.durable_through);
  if (decision.step > decision.durable_through) {
    held_[decision.step] = decision.record;
    if (held_.size() > kMaxHeldDecisions) {
      held_.erase(held_.begin());
    }
  }
  if (decision.commands()) {
    if (decision.apply_step > settled_through_) {
      const int64_t apply_step = decision.apply_step;
      commands_by_apply_step_[apply_step] = std::move(decision);
    } else if (was_awaited) {
      SetExpired(decision.step);
    }
  }
  return Arrival::kTaken;
}

void Session::TakeRefusal(int64_t step) { Answered(step); }

void Session::EndStream(StreamEnd end) {
  if (state_ != State::kClosed) {
    state_ = end == StreamEnd::kFatal ? State::kClosed : State::kDisconnected;
  }
}

std::shared_ptr<const RankReport> Session::Report(RankReport report, absl::Time now) {
  const int64_t step = report.step;
  DropOldReports();
  report.outcome = TakeOutcome();
  report.parameter_digest = std::exchange(parameter_digest_, std::nullopt);
  pause_.reset();
  unanswered_.push_back(std::make_shared<const RankReport>(std::move(report)));
  awaited_.push_back(step);
  if (awaited_.size() > kMaxAwaitedAnswers) {
    awaited_.pop_front();
  }

  needed_through_ = step - lag_;
  wait_deadline_ = absl::InfinitePast();
  if (patient_) {
    wait_deadline_ = now + (ever_joined_ ? options_.decision_timeout : options_.connect_timeout);
  }
  if (!joined()) {
    return nullptr;
  }
  highest_sent_ = step;
  return unanswered_.back();
}

// Makes room for one more. What rode on a dropped report rides on a later one.
void Session::DropOldReports() {
  while (static_cast<int64_t>(unanswered_.size()) > lag_) {
    if (!outcome_) {
      outcome_ = unanswered_.front()->outcome;
    }
    unanswered_.pop_front();
  }
}

bool Session::NeedsAnswer() const {
  return state_ != State::kClosed && !unanswered_.empty() &&
         unanswered_.front()->step <= needed_through_;
}

bool Session::Waiting(absl::Time now) const { return now < wait_deadline_ && NeedsAnswer(); }

bool Session::GiveUp(absl::Time now) {
  const bool timed_out =
      wait_deadline_ <= now && wait_deadline_ > absl::InfinitePast() && NeedsAnswer();
  wait_deadline_ = absl::InfinitePast();
  if (!timed_out) {
    return false;
  }
  patient_ = false;
  if (!joined()) {
    return false;
  }
  state_ = State::kDisconnected;
  return true;
}

std::optional<HeldDecision> Session::TakeCommand(int64_t apply_step) {
  settled_through_ = std::max(settled_through_, apply_step);
  while (!commands_by_apply_step_.empty() && commands_by_apply_step_.begin()->first < apply_step) {
    SetExpired(commands_by_apply_step_.begin()->second.step);
    commands_by_apply_step_.erase(commands_by_apply_step_.begin());
  }
  auto command = commands_by_apply_step_.extract(apply_step);
  return command.empty() ? std::nullopt : std::optional(std::move(command.mapped()));
}

std::optional<CommandOutcome> Session::TakeOutcome() {
  return std::exchange(outcome_, std::nullopt);
}

void Session::SetExpired(int64_t step) {
  if (!outcome_ || outcome_->step < step) {
    outcome_ = {.step = step, .result = CommandOutcome::Result::kExpired};
  }
}

std::optional<DeclaredPause> Session::PauseToSend(absl::Time now) {
  if (!joined() || pause_sent_ || !pause_ || pause_->until <= now) {
    return std::nullopt;
  }
  pause_sent_ = true;
  return pause_;
}

std::optional<int64_t> Session::CheckpointToSend() {
  if (!joined() || !checkpoint_ || *checkpoint_ > decided_through_) {
    return std::nullopt;
  }
  return std::exchange(checkpoint_, std::nullopt);
}

void Session::ForgetDurable(int64_t durable_through) {
  held_.erase(held_.begin(), held_.upper_bound(durable_through));
}

bool Session::Answered(int64_t step) {
  std::erase_if(unanswered_, [&](const auto& report) { return report->step == step; });
  return std::erase(awaited_, step) > 0;
}

}  // namespace lehr
