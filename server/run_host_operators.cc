// The part of RunHost that people and pages see: what a run is, and what may be changed from
// outside.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/run_host.h"
#include "server/wire.h"

namespace lehr {
v1::RunState RunHost::State() const {
  if (ended_) {
    return v1::RUN_STATE_ENDED;
  }
  if (left_) {
    return v1::RUN_STATE_LEFT;
  }
  const Membership& members = generation_->members();
  if (members.connected() == 0) {
    return v1::RUN_STATE_SILENT;
  }
  return members.joined() < members.world_size() ? v1::RUN_STATE_JOINING : v1::RUN_STATE_ACTIVE;
}

RunStatus RunHost::Status() const {
  return {.connected = generation_->members().connected(),
          .world_size = record_.world_size(),
          .commands = commands_,
          .breaker_open = generation_->memory().guards.breaker_open,
          .replicas_differ = replicas_differ_step_.has_value(),
          .last_seen = last_seen_};
}

v1::Run RunHost::Describe() const {
  absl::MutexLock lock(&mutex_);
  return DescribeLocked();
}

bool RunHost::IsOver() const {
  absl::MutexLock lock(&mutex_);
  return ended_ || left_;
}

bool RunHost::MayHaveForgotten() const {
  absl::MutexLock lock(&mutex_);
  return !ended_ && generation_->may_have_forgotten();
}

v1::Run RunHost::DescribeLocked() const {
  v1::Run run;
  run.set_run_id(run_id_);
  run.set_state(State());
  run.set_generation(record_.generation());
  run.set_world_size(record_.world_size());
  run.set_connected(generation_->members().connected());
  run.set_step(generation_->decided_through());
  *run.mutable_observation() = newest_.observation();
  *run.mutable_reason() = newest_.reason();
  run.set_commands(commands_);
  run.set_applied(applied_);
  run.set_skipped(skipped_);
  *run.mutable_settings() = lehr::ToProto(generation_->spec().settings);
  run.mutable_labels()->insert(labels_.begin(), labels_.end());
  *run.mutable_opened() = ToTimestamp(opened_);
  *run.mutable_last_seen() = ToTimestamp(last_seen_);
  run.set_breaker_open(generation_->memory().guards.breaker_open);
  run.set_conflicts(conflicts_);
  if (replicas_differ_step_) {
    run.set_replicas_differ_step(*replicas_differ_step_);
  }
  return run;
}

absl::StatusOr<v1::SetPolicyResponse> RunHost::SetPolicy(const v1::SetPolicyRequest& request) {
  absl::MutexLock lock(&mutex_);
  std::optional<Policy> policy;
  std::optional<Guards> guards;
  if (request.has_policy()) {
    absl::StatusOr<Policy> parsed = PolicyFromProto(request.policy());
    if (!parsed.ok()) {
      return parsed.status();
    }
    policy = *parsed;
  }
  if (request.has_guards()) {
    absl::StatusOr<Guards> parsed = GuardsFromProto(request.guards());
    if (!parsed.ok()) {
      return parsed.status();
    }
    guards = *parsed;
  }
  int64_t from_step = generation_->decided_through() + 1;
  if (policy) {
    from_step = generation_->SetPolicy(*policy);
  }
  if (guards) {
    from_step = generation_->SetGuards(*guards);
  }
  *record_.mutable_settings() = lehr::ToProto(generation_->spec().settings);
  surroundings_.journal.AppendGeneration(record_);
  ++revision_;
  LogInfo("policy changed", {{"run", run_id_},
                             {"policy", PolicyName(generation_->spec().settings.policy)},
                             {"from_step", from_step}});
  v1::SetPolicyResponse response;
  *response.mutable_run() = DescribeLocked();
  response.set_from_step(from_step);
  return response;
}

void RunHost::StopActing(bool stop) {
  absl::MutexLock lock(&mutex_);
  acting_stopped_ = stop;
  generation_->StopActing(stop);
}

v1::Run RunHost::End() {
  absl::MutexLock lock(&mutex_);
  if (ended_) {
    return DescribeLocked();
  }
  ended_ = true;
  for (const Generation::OpenReports& open : generation_->Abandon()) {
    RefuseAsEnded(open.reporters, open.step);
  }
  for (const HeldSend& held : held_) {
    RefuseAsEnded(held.ranks, held.decision.step());
  }
  DropHeld();
  AppendRunRecord();
  surroundings_.metrics.RunEnded(run_id_);
  LogInfo("run ended", {{"run", run_id_}});
  TellWatchersOfRun();
  return DescribeLocked();
}

absl::Status RunHost::Watch(std::shared_ptr<WatchOutbox> watcher) {
  absl::MutexLock lock(&mutex_);
  if (watchers_.size() >= kMaxWatchers) {
    return absl::ResourceExhaustedError(
        absl::StrCat("run ", run_id_, " has ", watchers_.size(), " watchers already"));
  }
  watchers_.push_back(std::move(watcher));
  TellWatchersOfRun();
  return absl::OkStatus();
}

void RunHost::Unwatch(const WatchOutbox* watcher) {
  absl::MutexLock lock(&mutex_);
  std::erase_if(watchers_, [&](const auto& w) { return w.get() == watcher; });
}

void RunHost::TellWatchersOfRun() {
  ++revision_;
  if (watchers_.empty()) {
    return;
  }
  v1::WatchRunResponse response;
  *response.mutable_run() = DescribeLocked();
  const bool over = ended_ || left_;
  for (const std::shared_ptr<WatchOutbox>& watcher : watchers_) {
    watcher->Send(response);
    if (over) {
      watcher->Close(absl::OkStatus());
    }
  }
}

void RunHost::CloseStreams(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  for (const std::shared_ptr<RankSink>& stream : streams_) {
    if (stream != nullptr) {
      stream->Close(status);
    }
  }
  for (const std::shared_ptr<WatchOutbox>& watcher : watchers_) {
    watcher->Close(status);
  }
}

}  // namespace lehr
