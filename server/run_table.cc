#include "server/run_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/join_check.h"
#include "server/log.h"

namespace lehr {

RunTable::RunTable(const Options& options)
    : options_(options),
      surroundings_{
          .journal = *options.store, .metrics = *options.metrics, .wake_at = options.wake_at} {}

absl::Status RunTable::Recover(absl::Time now) {
  absl::StatusOr<RecoveredState> state = options_.store->Recover();
  if (!state.ok()) {
    return state.status();
  }
  absl::MutexLock lock(&mutex_);
  acting_stopped_ = state->acting_stopped;
  for (RecoveredRun& recovered : state->runs) {
    absl::StatusOr<std::unique_ptr<RunHost>> host = RunHost::Recover(
        std::move(recovered), options_.store->clean_stop(), surroundings_, acting_stopped_, now);
    if (!host.ok()) {
      return host.status();
    }
    const std::string run_id = (*host)->run_id();
    runs_[run_id] = *std::move(host);
  }
  LogInfo("journal recovered", {{"runs", runs_.size()},
                                {"epoch", options_.store->epoch()},
                                {"clean_stop", options_.store->clean_stop()}});
  return absl::OkStatus();
}

absl::StatusOr<RankSeat> RunTable::Join(const v1::Join& join, std::shared_ptr<RankSink> sink,
                                        absl::Time now) {
  if (absl::Status status = CheckJoin(join); !status.ok()) {
    return status;
  }
  if (stopped_) {
    return absl::UnavailableError("the supervisor is stopping");
  }
  std::shared_ptr<RunHost> host;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = runs_.find(join.run_id());
    host = found == runs_.end() ? nullptr : found->second;
  }
  if (absl::Status status = OutrankEpoch(join, host.get()); !status.ok()) {
    return status;
  }
  if (host == nullptr) {
    absl::MutexLock lock(&mutex_);
    const auto found = runs_.find(join.run_id());
    if (found == runs_.end()) {
      return JoinNewRun(join, std::move(sink), now);
    }
    host = found->second;
  }
  absl::StatusOr<RunHost::Seat> seat = host->Join(join, std::move(sink), now);
  if (!seat.ok()) {
    return seat.status();
  }
  return RankSeat{std::move(host), *std::move(seat)};
}

// A rank that has seen this epoch or a later one has it from this process, or from another one
// whose journal this process does not have. Then the epoch must rise above it.
absl::Status RunTable::OutrankEpoch(const v1::Join& join, const RunHost* run) {
  const uint64_t epoch = options_.store->epoch();
  if (join.highest_epoch() < epoch ||
      (join.highest_epoch() == epoch && run != nullptr && run->HasLetIn(join))) {
    return absl::OkStatus();
  }
  LogWarning("a rank has seen a later epoch than this journal: it was restored from a backup",
             {{"run", join.run_id()}, {"epoch", join.highest_epoch()}});
  return options_.store->RaiseEpochAbove(join.highest_epoch());
}

// The first join happens under the lock: a run is in the table only with a generation.
absl::StatusOr<RankSeat> RunTable::JoinNewRun(const v1::Join& join, std::shared_ptr<RankSink> sink,
                                              absl::Time now) {
  if (absl::Status status = CheckRoom(); !status.ok()) {
    return status;
  }
  auto host = std::make_shared<RunHost>(join.run_id(), surroundings_, acting_stopped_, now);
  absl::StatusOr<RunHost::Seat> seat = host->Join(join, std::move(sink), now);
  if (!seat.ok()) {
    return seat.status();
  }
  runs_[join.run_id()] = host;
  return RankSeat{std::move(host), *std::move(seat)};
}

absl::Status RunTable::CheckRoom() const {
  if (runs_.size() < options_.max_runs) {
    return absl::OkStatus();
  }
  if (runs_.size() >= uint64_t{kRunsHeld} * options_.max_runs) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "this supervisor holds ", runs_.size(), " runs, ", kRunsHeld,
        " times as many as --max_runs, ended and left ones included; raise it or start with an "
        "empty --data_dir"));
  }
  const auto going = std::count_if(runs_.begin(), runs_.end(),
                                   [](const auto& entry) { return !entry.second->IsOver(); });
  return going < options_.max_runs
             ? absl::OkStatus()
             : absl::ResourceExhaustedError(absl::StrCat(
                   "this supervisor has ", going,
                   " runs that are neither ended nor left, the most that --max_runs allows"));
}

void RunTable::Tick(absl::Time now) {
  for (const std::shared_ptr<RunHost>& run : All()) {
    run->Tick(now);
  }
}

void RunTable::OnDurable() {
  if (surroundings_.held_sends > 0) {
    options_.wake_at(absl::InfinitePast());
  }
}

void RunTable::StopActing(bool stop) {
  {
    absl::MutexLock lock(&mutex_);
    acting_stopped_ = stop;
    for (const auto& [run_id, run] : runs_) {
      run->StopActing(stop);
    }
  }
  options_.store->SetActingStopped(stop);
  LogWarning(stop ? "all acting stopped" : "acting allowed again");
}

bool RunTable::acting_stopped() const {
  absl::MutexLock lock(&mutex_);
  return acting_stopped_;
}

absl::StatusOr<std::shared_ptr<RunHost>> RunTable::Find(const std::string& run_id) const {
  if (absl::Status status = CheckRunId(run_id); !status.ok()) {
    return status;
  }
  absl::MutexLock lock(&mutex_);
  const auto found = runs_.find(run_id);
  if (found == runs_.end()) {
    return absl::NotFoundError(absl::StrCat("there is no run ", run_id));
  }
  return found->second;
}

std::vector<std::shared_ptr<RunHost>> RunTable::All() const {
  absl::MutexLock lock(&mutex_);
  std::vector<std::shared_ptr<RunHost>> runs;
  runs.reserve(runs_.size());
  for (const auto& [run_id, run] : runs_) {
    runs.push_back(run);
  }
  return runs;
}

}  // namespace lehr
