#include "server/journal/journal.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/journal/journal_reader.h"
#include "server/journal/series_plan.h"

namespace lehr {
namespace {

// How long a read, or a raised epoch, waits for what was appended before it.
constexpr absl::Duration kFlushTimeout = absl::Seconds(10);
// The log moves into the database when it is longer. Unit: pages of 4 KiB.
constexpr int kMaxLogPages = 1000;

// How long a reader reads before the writer may have its turn, and how many rows it reads between
// two looks at the clock.
constexpr absl::Duration kReadTurn = absl::Milliseconds(2);
constexpr size_t kRowsAtOnce = 128;

// Beyond it a raised epoch could not rise any more.
constexpr uint64_t kMaxEpoch = std::numeric_limits<int64_t>::max();

}  // namespace

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(JournalOptions options) {
  const JournalPaths paths(options.data_dir);
  if (absl::Status status = CreateDataDirectory(paths.data_dir); !status.ok()) {
    return status;
  }
  absl::StatusOr<DirectoryLock> lock = DirectoryLock::Acquire(paths.data_dir);
  if (!lock.ok()) {
    return lock.status();
  }
  if (absl::Status status = CreateJournalIfMissing(paths); !status.ok()) {
    return WithAdvice(status, paths);
  }
  absl::StatusOr<JournalFile> file = OpenJournalFile(paths);
  if (!file.ok()) {
    return WithAdvice(file.status(), paths);
  }
  const JournalState& state = file->tables->state();
  // What ranks saw after a copy was made, it does not know.
  const bool clean_stop = state.clean && (!file->may_be_older_copy || state.sequence == 0);
  if (absl::Status status = file->tables->Commit({EpochEntry{.above = state.epoch}});
      !status.ok()) {
    return status;
  }
  absl::StatusOr<DurableMark> mark = DurableMark::Open(paths.mark, state.sequence);
  if (!mark.ok()) {
    return mark.status();
  }
  if (absl::Status status = SyncDirectory(paths.data_dir); !status.ok()) {
    return status;
  }
  return std::unique_ptr<Journal>(new Journal(std::move(options), *std::move(lock),
                                              *std::move(file), *std::move(mark), clean_stop));
}

Journal::Journal(JournalOptions options, DirectoryLock lock, JournalFile file, DurableMark mark,
                 bool clean_stop)
    : options_(std::move(options)),
      lock_(std::move(lock)),
      clean_stop_(clean_stop),
      epoch_(file.tables->state().epoch),
      file_(std::move(file)),
      mark_(std::move(mark)) {
  commits_ = std::make_unique<GroupCommit>(GroupCommit::Options{
      .interval = options_.commit_interval,
      .max_pending = options_.max_pending,
      .last_sequence = file_.tables->state().sequence,
      .commit = [this](absl::Span<const JournalEntry> entries) { return Commit(entries); },
      .on_durable =
          [this](uint64_t sequence) {
            if (notify_durable_) {
              notify_durable_(sequence);
            }
          },
      .on_failure =
          [this](const absl::Status& error) {
            if (options_.on_failure) {
              options_.on_failure(error);
            }
          },
  });
}

Journal::~Journal() = default;

absl::Status Journal::RaiseEpochAbove(uint64_t epoch) {
  if (epoch >= kMaxEpoch) {
    return absl::InvalidArgumentError(
        absl::StrCat("the epoch cannot rise above ", epoch, ": the highest is ", kMaxEpoch));
  }
  commits_->Append(EpochEntry{.above = epoch});
  return commits_->Flush(absl::Now() + kFlushTimeout);
}

uint64_t Journal::AppendRun(const journal::v1::RunRecord& run) {
  return commits_->Append(RunEntry{.run_id = run.run_id(), .record = run.SerializeAsString()});
}

uint64_t Journal::AppendGeneration(const journal::v1::GenerationRecord& generation) {
  return commits_->Append(GenerationEntry{.run_id = generation.run_id(),
                                          .generation = generation.generation(),
                                          .record = generation.SerializeAsString()});
}

uint64_t Journal::AppendDecision(const std::string& run_id, const v1::Decision& decision,
                                 std::string policy_state) {
  v1::Decision record = decision;
  record.clear_durable_through();
  const SeriesBucket series = BucketOf(record);
  const auto entry = std::make_shared<const DecisionEntry>(
      DecisionEntry{.key = {run_id, decision.generation(), decision.step()},
                    .commanding = decision.actions_size() > 0,
                    .acting = series.acted > 0,
                    .decision = record.SerializeAsString(),
                    .policy_state = std::move(policy_state),
                    .series = series});
  {
    absl::MutexLock lock(&pending_mutex_);
    pending_.try_emplace(entry->key, entry);
  }
  return commits_->Append(entry);
}

uint64_t Journal::AppendOutcome(const std::string& run_id, uint64_t generation, int64_t step,
                                uint32_t rank, v1::CommandOutcome::Result result) {
  return commits_->Append(
      OutcomeEntry{.key = {run_id, generation, step}, .rank = rank, .result = result});
}

uint64_t Journal::AppendCheckpoint(const std::string& run_id, uint64_t generation, uint32_t branch,
                                   int64_t step, std::string policy_state) {
  return commits_->Append(CheckpointEntry{.key = {run_id, generation, step},
                                          .branch = branch,
                                          .policy_state = std::move(policy_state)});
}

uint64_t Journal::SetActingStopped(bool stopped) {
  return commits_->Append(ActingStoppedEntry{.stopped = stopped});
}

void Journal::NotifyDurable(std::function<void(uint64_t)> notify) {
  notify_durable_ = std::move(notify);
}

absl::Status Journal::Flush(absl::Time deadline) { return commits_->Flush(deadline); }

absl::StatusOr<RecoveredState> Journal::Recover() {
  if (absl::Status status = Flush(absl::Now() + kFlushTimeout); !status.ok()) {
    return status;
  }
  absl::MutexLock lock(&file_mutex_);
  return ReadRecoveredState(*file_.database, *file_.tables);
}

absl::StatusOr<HistoryPage> Journal::ReadHistory(const HistoryQuery& query) {
  if (absl::Status status = Flush(absl::Now() + kFlushTimeout); !status.ok()) {
    return status;
  }
  HistoryQuery turn = query;
  turn.limit = std::min(query.limit, kRowsAtOnce);
  absl::StatusOr<HistoryPage> page = ReadHistoryTurn(turn);
  while (page.ok() && page->next && page->entries.size() < query.limit) {
    turn.after = page->next;
    turn.limit = std::min(query.limit - page->entries.size(), kRowsAtOnce);
    absl::StatusOr<HistoryPage> more = ReadHistoryTurn(turn);
    if (!more.ok()) {
      return more.status();
    }
    std::move(more->entries.begin(), more->entries.end(), std::back_inserter(page->entries));
    page->next = more->next;
  }
  return page;
}

absl::StatusOr<HistoryPage> Journal::ReadHistoryTurn(const HistoryQuery& query) {
  absl::MutexLock lock(&file_mutex_);
  const absl::StatusOr<int64_t> run = file_.tables->FindRun(query.run_id);
  if (!run.ok()) {
    return run.status();
  }
  return ReadHistoryPage(*file_.database, *run, query);
}

absl::StatusOr<std::vector<SeriesBucket>> Journal::ReadSeries(const SeriesQuery& query) {
  absl::StatusOr<std::vector<SeriesRows>> plan = PlanOf(query);
  if (!plan.ok()) {
    return plan.status();
  }
  std::vector<SeriesBucket> buckets;
  while (!plan->empty()) {
    if (absl::Status status = ReadSeriesTurn(*plan, buckets); !status.ok()) {
      return status;
    }
  }
  return Folded(std::move(buckets), query.points);
}

absl::StatusOr<std::vector<SeriesRows>> Journal::PlanOf(const SeriesQuery& query) {
  absl::MutexLock lock(&file_mutex_);
  const absl::StatusOr<int64_t> run = file_.tables->FindRun(query.run_id);
  if (!run.ok()) {
    return run.status();
  }
  const absl::StatusOr<std::optional<SeriesSpan>> span =
      ReadSeriesSpan(*file_.database, *run, query.generation);
  if (!span.ok()) {
    return span.status();
  }
  if (!span->has_value()) {
    return std::vector<SeriesRows>();
  }
  std::vector<SeriesRows> plan = PlanSeries(**span, query.from_step, query.to_step, query.points);
  for (SeriesRows& part : plan) {
    part.run = *run;
    part.generation = query.generation;
    part.limit = kRowsAtOnce;
  }
  std::reverse(plan.begin(), plan.end());
  return plan;
}

// Takes what it has read from the plan, which is that of the last step first.
absl::Status Journal::ReadSeriesTurn(std::vector<SeriesRows>& plan,
                                     std::vector<SeriesBucket>& buckets) {
  absl::MutexLock lock(&file_mutex_);
  const absl::Time end = absl::Now() + kReadTurn;
  while (!plan.empty() && absl::Now() < end) {
    SeriesRows& part = plan.back();
    const absl::StatusOr<std::vector<SeriesBucket>> rows = ReadSeriesRows(*file_.database, part);
    if (!rows.ok()) {
      return rows.status();
    }
    buckets.insert(buckets.end(), rows->begin(), rows->end());
    if (rows->size() == part.limit) {
      const int shift = SeriesShift(part.level);
      part.from = ((rows->back().first_step >> shift) + 1) << shift;
    }
    if (rows->size() < part.limit || part.from >= part.end) {
      plan.pop_back();
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<RecordedDecision>> Journal::FindDecision(const std::string& run_id,
                                                                      uint64_t generation,
                                                                      int64_t step) {
  {
    absl::MutexLock lock(&pending_mutex_);
    const auto found = pending_.find(JournalKey{run_id, generation, step});
    if (found != pending_.end()) {
      RecordedDecision recorded = {.policy_state = found->second->policy_state};
      recorded.decision.ParseFromString(found->second->decision);
      return recorded;
    }
  }
  absl::MutexLock lock(&file_mutex_);
  const absl::StatusOr<int64_t> run = file_.tables->FindRun(run_id);
  if (!run.ok()) {
    return std::nullopt;
  }
  return ReadDecision(*file_.database, *run, generation, step);
}

absl::Status Journal::Close(absl::Time deadline, JournalStop stop) {
  // Every other entry takes the mark of a clean stop away, the new epoch of Open first.
  if (stop == JournalStop::kClean) {
    commits_->Append(CleanStopEntry{});
  }
  if (absl::Status status = Flush(deadline); !status.ok()) {
    return status;
  }
  commits_->Stop();
  absl::MutexLock lock(&file_mutex_);
  return file_.database->Checkpoint(sqlite::Database::Log::kTruncate);
}

absl::Status Journal::Commit(absl::Span<const JournalEntry> entries) {
  const absl::Time start = absl::Now();
  if (absl::Status status = Write(entries); !status.ok()) {
    return status;
  }
  ForgetPending(entries);
  if (options_.on_commit) {
    options_.on_commit(entries.size(), absl::Now() - start);
  }
  return absl::OkStatus();
}

absl::Status Journal::Write(absl::Span<const JournalEntry> entries) {
  absl::MutexLock lock(&file_mutex_);
  if (absl::Status status = file_.tables->Commit(entries); !status.ok()) {
    return status;
  }
  const JournalState& state = file_.tables->state();
  epoch_ = state.epoch;
  if (absl::Status status = mark_.Write(state.sequence); !status.ok()) {
    return status;
  }
  return file_.database->log_pages() < kMaxLogPages
             ? absl::OkStatus()
             : file_.database->Checkpoint(sqlite::Database::Log::kReuse);
}

void Journal::ForgetPending(absl::Span<const JournalEntry> entries) {
  absl::MutexLock lock(&pending_mutex_);
  for (const JournalEntry& entry : entries) {
    if (const auto* decision = std::get_if<std::shared_ptr<const DecisionEntry>>(&entry)) {
      pending_.erase((*decision)->key);
    }
  }
}

}  // namespace lehr
