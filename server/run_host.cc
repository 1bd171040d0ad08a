#include "server/run_host.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/run_memory_codec.h"
#include "server/wire.h"

namespace lehr {
namespace {

v1::SuperviseResponse Refusal(int64_t step, v1::Refused::Code code, std::string message) {
  v1::SuperviseResponse response;
  response.mutable_refused()->set_step(step);
  response.mutable_refused()->set_code(code);
  response.mutable_refused()->set_message(std::move(message));
  return response;
}

v1::Refused::Code ToProto(RefusalCode code) {
  switch (code) {
    case RefusalCode::kInvalid:
      return v1::Refused::CODE_INVALID;
    case RefusalCode::kOutsideWindow:
      return v1::Refused::CODE_OUTSIDE_WINDOW;
    case RefusalCode::kConflict:
      return v1::Refused::CODE_CONFLICT;
  }
  return v1::Refused::CODE_INVALID;
}

std::vector<uint32_t> NumbersOf(absl::Span<const ReportingRank> ranks) {
  std::vector<uint32_t> numbers;
  for (const ReportingRank& reporting : ranks) {
    numbers.push_back(reporting.rank);
  }
  return numbers;
}

// An acting decision must not be forgotten by a crash if later ones are counted against it.
bool MustBeDurableFirst(const StepDecision& decision, const Guards& guards) {
  return ChangesParameters(decision.actions) && (guards.cooldown_steps > 0 || guards.budget > 0);
}

}  // namespace

RunHost::RunHost(std::string run_id, RunSurroundings& surroundings, bool acting_stopped,
                 absl::Time now)
    : run_id_(std::move(run_id)),
      opened_(now),
      surroundings_(surroundings),
      last_seen_(now),
      acting_stopped_(acting_stopped) {}

bool RunHost::Holds(const Seat& seat) const {
  return seat.generation == record_.generation() && streams_[seat.rank] == seat.outbox;
}

void RunHost::Report(const Seat& seat, StepReport report, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  if (Holds(seat)) {
    const ReportingRank reporting = TakeOwn(seat.rank, report);
    TakeReport(/*node=*/nullptr, {&reporting, 1}, std::move(report), now);
  }
}

void RunHost::ReportTogether(uint64_t generation, const NodeOutbox* node,
                             absl::Span<const ReportingRank> ranks, StepReport sum,
                             absl::Time now) {
  absl::MutexLock lock(&mutex_);
  if (generation == record_.generation()) {
    TakeReport(node, ranks, std::move(sum), now);
  }
}

void RunHost::TakeReport(const NodeOutbox* node, absl::Span<const ReportingRank> ranks,
                         StepReport report, absl::Time now) {
  last_seen_ = now;
  for (const ReportingRank& reporting : ranks) {
    rank_seen_[reporting.rank] = now;
  }
  const int64_t step = report.step;
  if (ended_) {
    RefuseAsEnded(StillOn(node, ranks), step);
    return;
  }
  for (const ReportingRank& reporting : ranks) {
    if (reporting.parameter_digest) {
      CompareReplicas(reporting.rank, step, *reporting.parameter_digest);
    }
  }
  const uint64_t losses = report.losses.count() + report.examples.size();
  ReportResult result = generation_->ReportTogether(ranks, std::move(report), now);
  if (const auto* taken = std::get_if<ReportTaken>(&result)) {
    Publish(taken->effects);
  } else if (const auto* answered = std::get_if<ReportAnswered>(&result)) {
    if (answered->late) {
      surroundings_.metrics.LateReport(losses);
    }
    Answer(ranks, step, *answered, now);
  } else {
    const auto& refused = std::get<ReportRefused>(result);
    if (refused.code == RefusalCode::kConflict) {
      ++conflicts_;
      surroundings_.metrics.ConflictSeen();
    }
    const v1::Refused::Code code = ToProto(refused.code);
    surroundings_.metrics.ReportRefused(code);
    Refuse(StillOn(node, ranks), step, code, refused.message);
  }
  ScheduleTick();
}

void RunHost::CompareReplicas(uint32_t rank, int64_t step, uint64_t digest) {
  const std::optional<ReplicaDifference> difference = digests_.Add(rank, step, digest);
  if (!difference) {
    return;
  }
  // One line a step, whatever the number of ranks.
  const bool is_news = !replicas_differ_step_ || *replicas_differ_step_ < step;
  replicas_differ_step_ = is_news ? step : *replicas_differ_step_;
  surroundings_.metrics.ReplicasDiffer(run_id_, Status());
  if (!is_news) {
    return;
  }
  LogError("replicas differ: their parameters are no longer the same",
           {{"run", run_id_},
            {"step", step},
            {"shard", difference->shard_id},
            {"rank", difference->first_rank},
            {"digest", absl::StrCat(absl::Hex(difference->first_digest, absl::kZeroPad16))},
            {"other_rank", difference->rank},
            {"other_digest", absl::StrCat(absl::Hex(difference->digest, absl::kZeroPad16))}});
  AppendRunRecord();
  TellWatchersOfRun();
}

// A rank that has moved to another stream has reported the step there, or will.
std::vector<uint32_t> RunHost::StillOn(const NodeOutbox* node,
                                       absl::Span<const ReportingRank> ranks) const {
  std::vector<uint32_t> numbers;
  for (const ReportingRank& reporting : ranks) {
    const std::shared_ptr<RankSink>& stream = streams_[reporting.rank];
    if (stream != nullptr && stream->node() == node) {
      numbers.push_back(reporting.rank);
    }
  }
  return numbers;
}

void RunHost::Refuse(const std::vector<uint32_t>& ranks, int64_t step, v1::Refused::Code code,
                     const std::string& message) {
  for (const uint32_t rank : ranks) {
    if (streams_[rank] != nullptr) {
      streams_[rank]->Send(Refusal(step, code, message));
    }
  }
}

// The recorded decision again, or "none" for a step that was passed.
void RunHost::Answer(absl::Span<const ReportingRank> ranks, int64_t step,
                     const ReportAnswered& answered, absl::Time now) {
  if (answered.conflict) {
    ++conflicts_;
    surroundings_.metrics.ConflictSeen();
  }
  std::vector<uint32_t> numbers = NumbersOf(ranks);
  if (const auto held = std::find_if(held_.begin(), held_.end(),
                                     [&](const HeldSend& h) { return h.decision.step() == step; });
      held != held_.end()) {
    // It goes out once it is on the disk, on the streams that the ranks have then.
    for (const uint32_t rank : numbers) {
      if (std::count(held->ranks.begin(), held->ranks.end(), rank) == 0) {
        held->ranks.push_back(rank);
      }
    }
    return;
  }
  if (answered.decision != nullptr) {
    SendDecision(numbers, lehr::ToProto(*answered.decision));
    return;
  }
  absl::StatusOr<std::optional<RecordedDecision>> journaled =
      surroundings_.journal.FindDecision(run_id_, record_.generation(), step);
  if (!journaled.ok()) {
    LogError(
        "journal cannot be read",
        {{"run", run_id_}, {"step", step}, {"why", std::string(journaled.status().message())}});
    for (const uint32_t rank : numbers) {
      if (streams_[rank] != nullptr) {
        streams_[rank]->Close(absl::UnavailableError("the journal cannot be read"));
      }
    }
    return;
  }
  if (journaled->has_value()) {
    SendDecision(numbers, (*journaled)->decision);
    return;
  }
  Publish(generation_->RecordNone(std::move(numbers), step, now));
}

void RunHost::Publish(const Effects& effects) {
  for (const ClosedStep& closed : effects.closed) {
    Publish(closed);
  }
}

void RunHost::Publish(const ClosedStep& closed) {
  const StepDecision& decision = *closed.decision;
  v1::Decision record = lehr::ToProto(decision);
  record.set_epoch(surroundings_.journal.epoch());
  const bool held = MustBeDurableFirst(decision, generation_->spec().settings.guards);
  // Counted before the append, so that the commit cannot be missed.
  surroundings_.held_sends += held;
  const uint64_t sequence =
      surroundings_.journal.AppendDecision(run_id_, record, EncodeRunMemory(closed.memory_after));
  durable_steps_.Append(sequence, decision.step);
  commands_ += !decision.actions.empty();
  surroundings_.metrics.DecisionMade(run_id_, record, Status(),
                                     closed.last_report - closed.first_report,
                                     absl::Now() - closed.last_report);
  if (decision.step >= newest_.step() || decision.generation > newest_.generation()) {
    newest_ = record;
  }
  course_.Add(record);
  ++revision_;
  for (const std::shared_ptr<WatchOutbox>& watcher : watchers_) {
    v1::WatchRunResponse response;
    *response.mutable_decision() = record;
    watcher->Send(std::move(response));
  }
  if (held) {
    held_.push_back({sequence, std::move(record), closed.reporters});
    return;
  }
  SendDecision(closed.reporters, std::move(record));
}

void RunHost::SendDecision(const std::vector<uint32_t>& ranks, v1::Decision decision) {
  durable_steps_.Advance(surroundings_.journal.durable());
  decision.set_epoch(surroundings_.journal.epoch());
  decision.set_durable_through(durable_steps_.through());
  std::map<NodeOutbox*, v1::RelayResponse> nodes;
  for (const uint32_t rank : ranks) {
    if (streams_[rank] == nullptr) {
      continue;
    }
    if (NodeOutbox* node = streams_[rank]->node(); node != nullptr) {
      nodes[node].mutable_decision()->add_ranks(rank);
      continue;
    }
    v1::SuperviseResponse response;
    *response.mutable_decision() = decision;
    streams_[rank]->Send(std::move(response));
  }
  for (auto& [node, response] : nodes) {
    *response.mutable_decision()->mutable_decision() = decision;
    node->Send(std::move(response));
  }
}

void RunHost::RefuseAsEnded(const std::vector<uint32_t>& ranks, int64_t step) {
  Refuse(ranks, step, v1::Refused::CODE_RUN_ENDED,
         absl::StrCat("run ", run_id_, " was ended by an operator"));
}

void RunHost::DropHeld() {
  surroundings_.held_sends -= static_cast<int>(held_.size());
  held_.clear();
  surroundings_.held_sends -= static_cast<int>(held_welcomes_.size());
  held_welcomes_.clear();
}

void RunHost::Outcome(const Seat& seat, const v1::CommandOutcome& outcome) {
  absl::MutexLock lock(&mutex_);
  if (!Holds(seat) || outcome.step() > generation_->decided_through()) {
    return;
  }
  surroundings_.journal.AppendOutcome(run_id_, record_.generation(), outcome.step(), seat.rank,
                                      outcome.result());
  if (outcome.step() <= outcome_through_) {
    return;
  }
  outcome_through_ = outcome.step();
  ++revision_;
  surroundings_.metrics.OutcomeReported(outcome.result());
  if (outcome.result() == v1::CommandOutcome::RESULT_APPLIED) {
    ++applied_;
    return;
  }
  ++skipped_;
  generation_->CommandSkipped(outcome.step());
  LogWarning("command not applied", {{"run", run_id_},
                                     {"rank", seat.rank},
                                     {"step", outcome.step()},
                                     {"result", v1::CommandOutcome::Result_Name(outcome.result())},
                                     {"why", outcome.detail()}});
}

void RunHost::Pause(const Seat& seat, const v1::Pause& pause, absl::Time now) {
  const absl::Duration at_most = DurationFromProto(pause.at_most());
  absl::MutexLock lock(&mutex_);
  if (!Holds(seat)) {
    return;
  }
  LogInfo("rank pauses", {{"run", run_id_},
                          {"rank", seat.rank},
                          {"why", pause.reason()},
                          {"at_most", absl::FormatDuration(at_most)}});
  generation_->Pause(seat.rank, now + at_most);
}

void RunHost::Checkpointed(const Seat& seat, int64_t step) {
  absl::MutexLock lock(&mutex_);
  if (!Holds(seat) || step > generation_->decided_through()) {
    return;
  }
  RunMemory memory = generation_->memory();
  if (step < generation_->decided_through()) {
    absl::StatusOr<std::optional<RecordedDecision>> journaled =
        surroundings_.journal.FindDecision(run_id_, record_.generation(), step);
    if (!journaled.ok() || !journaled->has_value()) {
      return;
    }
    absl::StatusOr<RunMemory> then = DecodeRunMemory((*journaled)->policy_state);
    if (!then.ok()) {
      return;
    }
    memory = *std::move(then);
  }
  surroundings_.journal.AppendCheckpoint(run_id_, record_.generation(), record_.branch(), step,
                                         EncodeRunMemory(memory));
  checkpoints_.push_back({record_.generation(), step, std::move(memory)});
  if (checkpoints_.size() > kMaxCheckpoints) {
    checkpoints_.pop_front();
  }
}

void RunHost::Leave(const Seat& seat, bool completed, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  if (!Holds(seat)) {
    return;
  }
  LogInfo("rank left", {{"run", run_id_}, {"rank", seat.rank}, {"completed", completed}});
  Publish(generation_->Leave(seat.rank, now));
  last_seen_ = now;
  if (generation_->members().left() == generation_->members().world_size()) {
    left_ = true;
    AppendRunRecord();
    surroundings_.metrics.RunEnded(run_id_);
  }
  TellWatchersOfRun();
}

void RunHost::Disconnected(const Seat& seat, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  if (!Holds(seat)) {
    return;
  }
  streams_[seat.rank].reset();
  generation_->Disconnect(seat.rank);
  last_seen_ = now;
  surroundings_.metrics.RankDisconnected(run_id_, Status());
  TellWatchersOfRun();
}

void RunHost::Tick(absl::Time now) {
  absl::MutexLock lock(&mutex_);
  if (ended_) {
    return;
  }
  Publish(generation_->Tick(now));
  const uint64_t durable = surroundings_.journal.durable();
  if (durable >= opening_) {
    for (const std::shared_ptr<RankSink>& outbox : held_welcomes_) {
      SendWelcome(*outbox);
      --surroundings_.held_sends;
    }
    held_welcomes_.clear();
  }
  while (!held_.empty() && held_.front().sequence <= durable) {
    SendDecision(held_.front().ranks, std::move(held_.front().decision));
    held_.pop_front();
    --surroundings_.held_sends;
  }
  ScheduleTick();
}

void RunHost::ScheduleTick() const {
  if (const absl::Time next = generation_->NextDeadline(); next < absl::InfiniteFuture()) {
    surroundings_.wake_at(next);
  }
}

void RunHost::AppendRunRecord() {
  journal::v1::RunRecord record;
  record.set_run_id(run_id_);
  record.mutable_labels()->insert(labels_.begin(), labels_.end());
  record.set_opened_unix_ns(absl::ToUnixNanos(opened_));
  record.set_generation(record_.generation());
  record.set_ended(ended_);
  record.set_left(left_);
  record.set_breaker_open(generation_->memory().guards.breaker_open);
  record.set_conflicts(conflicts_);
  record.set_last_seen_unix_ns(absl::ToUnixNanos(last_seen_));
  if (replicas_differ_step_) {
    record.set_replicas_differ_step(*replicas_differ_step_);
  }
  surroundings_.journal.AppendRun(record);
}

}  // namespace lehr
