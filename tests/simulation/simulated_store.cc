#include "tests/simulation/simulated_store.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace lehr::simulation {
namespace {

bool Same(const RecordedDecision& a, const RecordedDecision& b) {
  return a.policy_state == b.policy_state &&
         a.decision.SerializeAsString() == b.decision.SerializeAsString();
}

}  // namespace

SimulatedStore::SimulatedStore(Options options)
    : options_(std::move(options)),
      epoch_(++options_.disk.epoch),
      clean_stop_(std::exchange(options_.disk.clean, false)) {
  ++options_.disk.sequence;
}

void SimulatedStore::Crash() {
  if (being_written_ > 0 && !options_.disk.full && options_.random.Chance(0.5)) {
    Write(being_written_);
  }
  waiting_.clear();
  *alive_ = false;
}

bool SimulatedStore::Flush() {
  if (options_.disk.full) {
    return false;
  }
  being_written_ = 0;
  Write(waiting_.size());
  return true;
}

bool SimulatedStore::Close() {
  if (!Flush()) {
    return false;
  }
  options_.disk.clean = true;
  *alive_ = false;
  return true;
}

absl::Status SimulatedStore::RaiseEpochAbove(uint64_t epoch) {
  if (!Flush()) {
    return absl::InternalError("the disk is full");
  }
  options_.disk.epoch = std::max(options_.disk.epoch, epoch + 1);
  epoch_ = options_.disk.epoch;
  return absl::OkStatus();
}

absl::StatusOr<RecoveredState> SimulatedStore::Recover() {
  RecoveredState state = {.acting_stopped = options_.disk.acting_stopped};
  for (const auto& [run_id, run] : options_.disk.runs) {
    RecoveredRun& recovered = state.runs.emplace_back();
    recovered.run = run.record;
    for (const auto& [number, generation] : run.generations) {
      recovered.generations.push_back(generation);
    }
    const uint64_t current = run.record.generation();
    const auto behind = run.decisions.lower_bound({current + 1, 0});
    if (behind != run.decisions.begin() && std::prev(behind)->first.first == current) {
      recovered.newest = std::prev(behind)->second;
    }
    for (const auto& [key, checkpoint] : run.checkpoints) {
      recovered.checkpoints.push_back({.generation = key.first,
                                       .step = key.second,
                                       .branch = checkpoint.branch,
                                       .policy_state = checkpoint.policy_state});
    }
  }
  return state;
}

uint64_t SimulatedStore::AppendRun(const journal::v1::RunRecord& run) {
  return Append({[run](Disk& disk) { disk.runs[run.run_id()].record = run; }});
}

uint64_t SimulatedStore::AppendGeneration(const journal::v1::GenerationRecord& generation) {
  options_.listener.OnGeneration(generation);
  return Append({[generation](Disk& disk) {
    disk.runs[generation.run_id()].generations[generation.generation()] = generation;
  }});
}

uint64_t SimulatedStore::AppendDecision(const std::string& run_id, const v1::Decision& decision,
                                        std::string policy_state) {
  RecordedDecision record = {.decision = decision, .policy_state = std::move(policy_state)};
  record.decision.clear_durable_through();
  const StepKey key = {decision.generation(), decision.step()};
  const auto before = FindDecision(run_id, key.first, key.second);
  if (before->has_value() && !Same(**before, record)) {
    options_.listener.OnContradiction(absl::StrCat(
        "a second decision for generation ", key.first, ", step ", key.second, ": {",
        (*before)->decision.ShortDebugString(), "}, now {", decision.ShortDebugString(), "}"));
  }
  options_.listener.OnDecision(record.decision);
  pending_.try_emplace(key, record);
  return Append(
      {[run_id, key, record](Disk& disk) { disk.runs[run_id].decisions.try_emplace(key, record); },
       key});
}

uint64_t SimulatedStore::AppendOutcome(const std::string& run_id, uint64_t generation, int64_t step,
                                       uint32_t rank, v1::CommandOutcome::Result result) {
  options_.listener.OnOutcome(generation, step, rank, result);
  return Append({[run_id, generation, step, rank, result](Disk& disk) {
    disk.runs[run_id].outcomes[{generation, step}][rank] = result;
  }});
}

uint64_t SimulatedStore::AppendCheckpoint(const std::string& run_id, uint64_t generation,
                                          uint32_t branch, int64_t step, std::string policy_state) {
  options_.listener.OnCheckpoint(generation, step);
  return Append({[=](Disk& disk) {
    disk.runs[run_id].checkpoints[{generation, step}] = {branch, disk.sequence, policy_state};
  }});
}

uint64_t SimulatedStore::SetActingStopped(bool stopped) {
  return Append({[stopped](Disk& disk) { disk.acting_stopped = stopped; }});
}

absl::StatusOr<std::optional<RecordedDecision>> SimulatedStore::FindDecision(
    const std::string& run_id, uint64_t generation, int64_t step) {
  const StepKey key = {generation, step};
  if (const auto found = pending_.find(key); found != pending_.end()) {
    return found->second;
  }
  const auto run = options_.disk.runs.find(run_id);
  if (run == options_.disk.runs.end()) {
    return std::nullopt;
  }
  const auto found = run->second.decisions.find(key);
  return found == run->second.decisions.end() ? std::nullopt : std::optional(found->second);
}

uint64_t SimulatedStore::Append(Entry entry) {
  if (waiting_.size() == being_written_) {
    waiting_since_ = options_.queue.now();
  }
  waiting_.push_back(std::move(entry));
  ScheduleCommit();
  return options_.disk.sequence + waiting_.size();
}

void SimulatedStore::ScheduleCommit() {
  if (scheduled_ || waiting_.empty()) {
    return;
  }
  scheduled_ = true;
  options_.queue.At(waiting_since_ + options_.scenario.commit_interval, [this, alive = alive_] {
    if (*alive) {
      BeginCommit();
    }
  });
}

void SimulatedStore::BeginCommit() {
  being_written_ = waiting_.size();
  absl::Duration takes =
      options_.random.Between(absl::ZeroDuration(), options_.scenario.commit_time);
  if (options_.random.Chance(options_.scenario.slow_commit_chance)) {
    takes *= options_.random.Between(1, 100);
  }
  options_.queue.After(takes, [this, alive = alive_] {
    if (*alive) {
      EndCommit(being_written_);
    }
  });
}

void SimulatedStore::EndCommit(size_t entries) {
  if (options_.disk.full) {
    options_.on_failure();
    return;
  }
  being_written_ = 0;
  scheduled_ = false;
  Write(entries);
  waiting_since_ = options_.queue.now();
  ScheduleCommit();
  options_.on_durable();
}

void SimulatedStore::Write(size_t entries) {
  for (size_t i = 0; i < entries; ++i) {
    ++options_.disk.sequence;
    waiting_[i].write(options_.disk);
    if (waiting_[i].decision) {
      pending_.erase(*waiting_[i].decision);
    }
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<int64_t>(entries));
  if (entries > 0) {
    options_.disk.clean = false;
  }
}

}  // namespace lehr::simulation
