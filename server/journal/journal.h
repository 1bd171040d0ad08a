// lehrd's durable store: one SQLite file that survives crashes, power losses and full disks, and
// that never gives back something else than was put in.
//
// A store without policy. Records are appended from any thread, numbered in order, and made durable
// together by a thread of its own (server/group_commit.h). Everything up to durable() survives;
// what is beyond survives as a prefix or not at all. Reads see everything that was appended before.
//
// Every row has a checksum, and the end of the database is known (server/durable_mark.h): damage is
// DATA_LOSS, never wrong contents, and a damaged file is left byte for byte as it is. After a
// failed commit nothing is written again, because a second fsync may succeed without having synced
// anything: the process should exit, and the next one recovers what is on the disk.
//
//   auto journal = Journal::Open({.data_dir = "/var/lib/lehr"});
//   absl::StatusOr<RecoveredState> state = (*journal)->Recover();
//   (*journal)->NotifyDurable([&](uint64_t sequence) { queue.Push(sequence); });
//   uint64_t sequence = (*journal)->AppendDecision("run-1", decision, policy.Encode());
//   absl::Status closed = (*journal)->Close(absl::Now() + absl::Seconds(5));
#ifndef LEHR_SERVER_JOURNAL_JOURNAL_H_
#define LEHR_SERVER_JOURNAL_JOURNAL_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/journal/data_directory.h"
#include "server/journal/durable_mark.h"
#include "server/journal/group_commit.h"
#include "server/journal/journal_file.h"
#include "server/journal/journal_records.h"
#include "server/journal/run_store.h"
#include "server/journal/series_table.h"

namespace lehr {

struct JournalOptions {
  // Made for the owner only if it is missing. One process at a time holds it.
  std::string data_dir;
  // How long a record waits at most before it is written. Unit: time. Bound: >= 0. Longer: fewer
  // syncs of the disk, and more decisions that a crash can take back.
  absl::Duration commit_interval = absl::Milliseconds(50);
  // Records that may wait before appending does. Unit: records. Bound: >= 1.
  size_t max_pending = 65536;
  // Called once, from the writer thread, when a commit failed: nothing is durable any more, and the
  // process should exit. May be empty.
  std::function<void(const absl::Status& error)> on_failure;
  // Called from the writer thread after each commit, with how many records it wrote and how long
  // that took. May be empty.
  std::function<void(size_t records, absl::Duration duration)> on_commit;
};

// Whether a process knew, when it stopped, every decision that was ever sent.
enum class JournalStop {
  kClean,
  // What an earlier unclean stop lost has not all been brought back.
  kUncertain,
};

// Thread-safe.
class Journal final : public RunStore {
 public:
  // Raises the epoch by 1, durably. The time it takes grows with the size of the database: it looks
  // at every page, and reads what Recover reads.
  //
  // DATA_LOSS: a file is damaged. FAILED_PRECONDITION: another process holds the directory, or the
  // database is that of another program or version. Others: the file system's. Messages name the
  // file and say what an operator can do.
  static absl::StatusOr<std::unique_ptr<Journal>> Open(JournalOptions options);

  // Without Close, drops what is not durable, as a crash would.
  ~Journal() override;

  uint64_t epoch() const override { return epoch_; }
  absl::Status RaiseEpochAbove(uint64_t epoch) override;
  // Whether the process before this one closed it as kClean.
  bool clean_stop() const override { return clean_stop_; }

  // Each waits while max_pending records wait. A programming error (server/journal/run_store.h)
  // fails the commit.
  uint64_t AppendRun(const journal::v1::RunRecord& run) override;
  uint64_t AppendGeneration(const journal::v1::GenerationRecord& generation) override;
  uint64_t AppendDecision(const std::string& run_id, const v1::Decision& decision,
                          std::string policy_state) override;
  uint64_t AppendOutcome(const std::string& run_id, uint64_t generation, int64_t step,
                         uint32_t rank, v1::CommandOutcome::Result result) override;
  uint64_t AppendCheckpoint(const std::string& run_id, uint64_t generation, uint32_t branch,
                            int64_t step, std::string policy_state) override;
  uint64_t SetActingStopped(bool stopped) override;

  uint64_t durable() const override { return commits_->durable(); }
  // Sets what is called from the writer thread after every commit, with the newest durable number;
  // set it before the first append. The next commit waits for its return, and with it an append
  // may: it must not wait for a lock that is held by somebody who appends.
  void NotifyDurable(std::function<void(uint64_t sequence)> notify);
  // Commits what was appended so far, now, and waits for it. DEADLINE_EXCEEDED: it takes longer.
  absl::Status Flush(absl::Time deadline);

  absl::StatusOr<RecoveredState> Recover() override;
  // NOT_FOUND: no such run. INVALID_ARGUMENT: a limit of 0. It reads in short turns, between which
  // the writer has its own; so does ReadSeries.
  absl::StatusOr<HistoryPage> ReadHistory(const HistoryQuery& query);
  // The course of a generation in the order of steps, of what is durable: a range of a million
  // decisions takes as long as one of a few thousand. NOT_FOUND: no such run, or none that is
  // durable yet.
  absl::StatusOr<std::vector<SeriesBucket>> ReadSeries(const SeriesQuery& query);
  absl::StatusOr<std::optional<RecordedDecision>> FindDecision(const std::string& run_id,
                                                               uint64_t generation,
                                                               int64_t step) override;

  // Flushes, marks the stop, and moves everything into journal.db. Once, and nobody may append any
  // more; the destructor releases the directory. DEADLINE_EXCEEDED: it is not clean.
  absl::Status Close(absl::Time deadline, JournalStop stop = JournalStop::kClean);

 private:
  Journal(JournalOptions options, DirectoryLock lock, JournalFile file, DurableMark mark,
          bool clean_stop);

  absl::StatusOr<HistoryPage> ReadHistoryTurn(const HistoryQuery& query);
  absl::StatusOr<std::vector<SeriesRows>> PlanOf(const SeriesQuery& query);
  absl::Status ReadSeriesTurn(std::vector<SeriesRows>& plan, std::vector<SeriesBucket>& buckets);

  // From the writer thread.
  absl::Status Commit(absl::Span<const JournalEntry> entries);
  absl::Status Write(absl::Span<const JournalEntry> entries);
  void ForgetPending(absl::Span<const JournalEntry> entries);

  const JournalOptions options_;
  const DirectoryLock lock_;
  const bool clean_stop_;
  std::atomic<uint64_t> epoch_;
  std::function<void(uint64_t)> notify_durable_;

  absl::Mutex file_mutex_;
  JournalFile file_ ABSL_GUARDED_BY(file_mutex_);
  DurableMark mark_ ABSL_GUARDED_BY(file_mutex_);

  // Decisions that are not in the database yet.
  absl::Mutex pending_mutex_;
  absl::flat_hash_map<JournalKey, std::shared_ptr<const DecisionEntry>> pending_
      ABSL_GUARDED_BY(pending_mutex_);

  // Last: its thread uses the others.
  std::unique_ptr<GroupCommit> commits_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_JOURNAL_JOURNAL_H_
