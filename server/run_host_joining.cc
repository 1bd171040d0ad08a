// The part of RunHost by which a run comes to be and takes its ranks in: from the journal, and by
// joins.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/run_host.h"
#include "server/run_memory_codec.h"
#include "server/wire.h"

namespace lehr {
namespace {

GenerationSpec SpecOf(const journal::v1::GenerationRecord& record, const RunSettings& settings) {
  return {.number = record.generation(),
          .branch = record.branch(),
          .world_size = record.world_size(),
          .resume_step = record.resume_step(),
          .settings = settings,
          .has_square_tensor =
              std::any_of(record.tensors().begin(), record.tensors().end(),
                          [](const v1::TensorReference& tensor) { return tensor.side() > 0; })};
}

}  // namespace

absl::StatusOr<std::unique_ptr<RunHost>> RunHost::Recover(RecoveredRun recovered, bool clean_stop,
                                                          RunSurroundings& surroundings,
                                                          bool acting_stopped, absl::Time now) {
  const journal::v1::RunRecord& record = recovered.run;
  auto host = std::make_unique<RunHost>(record.run_id(), surroundings, acting_stopped,
                                        absl::FromUnixNanos(record.opened_unix_ns()));
  absl::MutexLock lock(&host->mutex_);
  host->labels_ = {record.labels().begin(), record.labels().end()};
  host->last_seen_ = absl::FromUnixNanos(std::max(
      record.last_seen_unix_ns(),
      recovered.newest ? recovered.newest->decision.closed_unix_ns() : record.opened_unix_ns()));
  host->commands_ = recovered.counts.commands;
  host->applied_ = recovered.counts.applied;
  host->skipped_ = recovered.counts.skipped;
  host->conflicts_ = record.conflicts();
  host->ended_ = record.ended();
  host->left_ = record.left();
  for (const journal::v1::GenerationRecord& generation : recovered.generations) {
    host->RememberAttempt(generation.job_attempt(), generation.generation());
    if (generation.generation() == record.generation()) {
      host->record_ = generation;
    }
  }
  for (const RecoveredCheckpoint& checkpoint : recovered.checkpoints) {
    absl::StatusOr<RunMemory> memory = DecodeRunMemory(checkpoint.policy_state);
    if (!memory.ok()) {
      return memory.status();
    }
    host->checkpoints_.push_back({checkpoint.generation, checkpoint.step, *std::move(memory)});
  }
  absl::StatusOr<RunSettings> settings =
      SettingsFromProto(host->record_.settings(), host->record_.world_size());
  if (!settings.ok()) {
    return absl::InternalError(absl::StrCat("the journal's settings of run ", record.run_id(),
                                            " do not fit: ", settings.status().message()));
  }
  GenerationState state{.decided_through = host->record_.resume_step() - 1};
  if (recovered.newest) {
    absl::StatusOr<RunMemory> memory = DecodeRunMemory(recovered.newest->policy_state);
    if (!memory.ok()) {
      return memory.status();
    }
    state = {recovered.newest->decision.step(), *std::move(memory)};
    host->newest_ = recovered.newest->decision;
  } else {
    // It has decided nothing yet: as it was opened.
    state.memory = host->ResumedMemory().value_or(RunMemory());
  }
  host->durable_steps_ = DurableSteps(state.decided_through);
  host->outcome_through_ = state.decided_through;
  host->generation_ = std::make_unique<Generation>(SpecOf(host->record_, *std::move(settings)),
                                                   std::move(state), clean_stop, now);
  host->generation_->StopActing(acting_stopped);
  host->streams_.resize(host->record_.world_size());
  host->rank_seen_.assign(host->record_.world_size(), absl::InfinitePast());
  host->digests_ = ReplicaDigests(host->record_.world_size());
  if (record.has_replicas_differ_step()) {
    host->replicas_differ_step_ = record.replicas_differ_step();
  }
  return host;
}

void RunHost::RememberAttempt(const std::string& job_attempt, uint64_t generation) {
  if (job_attempt.empty()) {
    return;
  }
  generation_of_attempt_[job_attempt] = generation;
  if (generation_of_attempt_.size() > kMaxRecoveredGenerations) {
    generation_of_attempt_.erase(
        std::min_element(generation_of_attempt_.begin(), generation_of_attempt_.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; }));
  }
}

absl::StatusOr<RunHost::Seat> RunHost::Join(const v1::Join& join, std::shared_ptr<RankSink> outbox,
                                            absl::Time now) {
  absl::MutexLock lock(&mutex_);
  if (ended_) {
    return absl::FailedPreconditionError(
        absl::StrCat("run ", run_id_, " was ended by an operator; use another run id"));
  }
  if (absl::Status status = EnterGeneration(join, now); !status.ok()) {
    return status;
  }
  const Generation::Hello hello = {
      .process = join.process(),
      .can_agree = join.can_agree(),
      .snapshot_capacity = join.snapshots().capacity(),
      .highest_step = join.has_highest_step() && join.generation() == record_.generation()
                          ? join.highest_step()
                          : -1,
      .knows_noise = std::find(join.noise_specs().begin(), join.noise_specs().end(),
                               kCommandedNoiseSpec) != join.noise_specs().end(),
      .scales_learning_rate = join.scales_learning_rate()};
  if (absl::Status status = generation_->CanConnect(join.rank(), hello); !status.ok()) {
    return status;
  }
  RestoreHeld(join);
  std::shared_ptr<RankSink>& place = streams_[join.rank()];
  if (place != nullptr) {
    place->Close(absl::AbortedError("the rank's process opened another stream"));
  }
  place = outbox;
  rank_seen_[join.rank()] = now;
  digests_.SetShard(join.rank(), join.shard_id());
  left_ = false;
  last_seen_ = now;
  if (surroundings_.journal.durable() >= opening_) {
    SendWelcome(*outbox);
  } else {
    held_welcomes_.push_back(outbox);
    ++surroundings_.held_sends;
    // The commit may have come in between.
    if (surroundings_.journal.durable() >= opening_) {
      surroundings_.wake_at(now);
    }
  }
  LogInfo("rank joined", {{"run", run_id_},
                          {"generation", record_.generation()},
                          {"rank", join.rank()},
                          {"world_size", join.world_size()},
                          {"client", join.client()}});
  Publish(generation_->Connect(join.rank(), hello, now));
  surroundings_.metrics.RankConnected(run_id_, Status());
  TellWatchersOfRun();
  ScheduleTick();
  return Seat{.generation = record_.generation(),
              .rank = join.rank(),
              .loss_offset = generation_->spec().settings.loss_offset,
              .scope = generation_->spec().settings.scope,
              .outbox = std::move(outbox)};
}

bool RunHost::HasLetIn(const v1::Join& join) const {
  absl::MutexLock lock(&mutex_);
  const auto known = generation_of_attempt_.find(join.job_attempt());
  if (known != generation_of_attempt_.end() && known->second != record_.generation()) {
    return true;
  }
  return generation_ != nullptr && join.rank() < record_.world_size() &&
         generation_->members().rank(join.rank()).process == join.process();
}

// Makes the generation that `join` means the current one, or says why it cannot be.
absl::Status RunHost::EnterGeneration(const v1::Join& join, absl::Time now) {
  const uint64_t current = record_.generation();
  if (join.job_attempt().empty()) {
    if (join.replaces_generation() != current) {
      return absl::FailedPreconditionError(absl::StrCat("the join replaces generation ",
                                                        join.replaces_generation(),
                                                        ", but the current one is ", current));
    }
    return OpenGeneration(join, now);
  }
  const auto known = generation_of_attempt_.find(join.job_attempt());
  if (known == generation_of_attempt_.end()) {
    return OpenGeneration(join, now);
  }
  if (known->second != current) {
    return absl::FailedPreconditionError(absl::StrCat(
        "generation ", known->second, " of run ", run_id_, " was replaced by generation ", current,
        "; this job must stop or start anew"));
  }
  if (join.world_size() != record_.world_size()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "world_size is ", join.world_size(), ", but generation ", current, " was opened with ",
        record_.world_size(), "; another world size needs another job_attempt"));
  }
  return absl::OkStatus();
}

absl::Status RunHost::OpenGeneration(const v1::Join& join, absl::Time now) {
  absl::StatusOr<RunSettings> settings = SettingsFromProto(join.settings(), join.world_size());
  if (!settings.ok()) {
    return settings.status();
  }
  for (const std::shared_ptr<RankSink>& stream : streams_) {
    if (stream != nullptr) {
      stream->Close(absl::FailedPreconditionError(
          absl::StrCat("generation ", record_.generation(), " was replaced")));
    }
  }
  // A rank that was in a generation which this journal does not know (its disk was lost) goes on in
  // it, and brings what it holds.
  const bool forgotten = join.generation() > record_.generation();
  journal::v1::GenerationRecord record;
  record.set_run_id(run_id_);
  record.set_generation(forgotten ? join.generation() : record_.generation() + 1);
  record.set_job_attempt(join.job_attempt());
  record.set_world_size(join.world_size());
  record.set_branch(join.branch());
  record.set_resume_step(join.resume_step());
  if (join.has_resume_generation()) {
    record.set_resume_generation(join.resume_generation());
  }
  *record.mutable_settings() = lehr::ToProto(*settings);
  *record.mutable_tensors() = join.tensors();
  record.set_opened_unix_ns(absl::ToUnixNanos(now));
  record_ = std::move(record);
  const std::optional<RunMemory> memory = ResumedMemory();
  if (record_.resume_step() > 0 && !memory) {
    LogWarning("resumed from no checkpoint that is known: the policy starts afresh",
               {{"run", run_id_},
                {"resume_step", record_.resume_step()},
                {"resume_generation", record_.resume_generation()}});
  }
  RememberAttempt(join.job_attempt(), record_.generation());
  if (labels_.empty()) {
    labels_ = {join.labels().begin(), join.labels().end()};
  }
  streams_.assign(join.world_size(), nullptr);
  rank_seen_.assign(join.world_size(), absl::InfinitePast());
  course_ = {};
  digests_ = ReplicaDigests(join.world_size());
  replicas_differ_step_.reset();
  DropHeld();
  durable_steps_ = DurableSteps(join.resume_step() - 1);
  outcome_through_ = join.resume_step() - 1;
  GenerationSpec spec = SpecOf(record_, *std::move(settings));
  if (forgotten) {
    generation_ = std::make_unique<Generation>(
        spec, GenerationState{.decided_through = join.resume_step() - 1},
        /*clean_stop=*/false, now);
  } else {
    generation_ = std::make_unique<Generation>(spec, memory.value_or(RunMemory()));
  }
  generation_->StopActing(acting_stopped_);
  AppendRunRecord();
  opening_ = surroundings_.journal.AppendGeneration(record_);
  surroundings_.metrics.GenerationOpened();
  LogInfo("generation opened", {{"run", run_id_},
                                {"generation", record_.generation()},
                                {"world_size", record_.world_size()},
                                {"resume_step", record_.resume_step()},
                                {"policy", PolicyName(generation_->spec().settings.policy)}});
  return absl::OkStatus();
}

std::optional<RunMemory> RunHost::ResumedMemory() const {
  const int64_t step = record_.resume_step() - 1;
  const bool newest = !record_.has_resume_generation();
  const uint64_t generation = record_.resume_generation();
  const auto found =
      std::find_if(checkpoints_.rbegin(), checkpoints_.rend(), [=](const Checkpoint& checkpoint) {
        return checkpoint.step == step && (newest || checkpoint.generation == generation);
      });
  if (found == checkpoints_.rend()) {
    return std::nullopt;
  }
  RunMemory memory = found->memory;
  BeginGeneration(memory.policy);
  return memory;
}

void RunHost::RestoreHeld(const v1::Join& join) {
  for (const v1::Decision& held : join.held()) {
    absl::StatusOr<StepDecision> decision = DecisionFromProto(held);
    if (!decision.ok()) {
      LogWarning("held decision left out", {{"run", run_id_},
                                            {"rank", join.rank()},
                                            {"step", held.step()},
                                            {"why", std::string(decision.status().message())}});
      continue;
    }
    if (const auto reporters = generation_->Restore(*decision)) {
      v1::Decision record = held;
      record.clear_durable_through();
      if (record.step() >= newest_.step() || record.generation() > newest_.generation()) {
        newest_ = record;
      }
      commands_ += !record.actions().empty();
      course_.Add(record);
      ++revision_;
      const uint64_t sequence = surroundings_.journal.AppendDecision(
          run_id_, record, EncodeRunMemory(generation_->memory()));
      durable_steps_.Append(sequence, record.step());
      SendDecision(*reporters, std::move(record));
    }
  }
}

void RunHost::SendWelcome(RankSink& outbox) const {
  v1::SuperviseResponse response;
  *response.mutable_welcome() = MakeWelcome();
  outbox.Send(std::move(response));
}

v1::Welcome RunHost::MakeWelcome() const {
  v1::Welcome welcome;
  welcome.set_generation(record_.generation());
  welcome.set_branch(record_.branch());
  welcome.set_epoch(surroundings_.journal.epoch());
  *welcome.mutable_settings() = lehr::ToProto(generation_->spec().settings);
  *welcome.mutable_tensors() = record_.tensors();
  welcome.set_next_step(generation_->decided_through() + 1);
  welcome.set_durable_through(durable_steps_.through());
  return welcome;
}

}  // namespace lehr
