// Writes journal entries in groups, from a thread of its own: a disk can sync a few hundred times a
// second, and each sync makes all entries durable that wait by then.
//
// Entries are numbered as they are appended, and are written in that order. A group starts at most
// options.interval after its first entry, and at once when somebody flushes or half of max_pending
// waits. The first error ends it: nothing is written after it, what waits is dropped, and every
// waiter returns.
//
// Thread-safe. The functions are called from the writer thread, one at a time.
#ifndef LEHR_SERVER_JOURNAL_GROUP_COMMIT_H_
#define LEHR_SERVER_JOURNAL_GROUP_COMMIT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/journal/journal_records.h"

namespace lehr {

class GroupCommit {
 public:
  struct Options {
    // Unit: time. Bound: >= 0.
    absl::Duration interval;
    // Unit: entries, waiting or being written. Bound: >= 1.
    size_t max_pending = 0;
    // The number of the last entry of the past; the first new one has the next number.
    uint64_t last_sequence = 0;
    // Makes the entries durable.
    std::function<absl::Status(absl::Span<const JournalEntry> entries)> commit;
    // After each commit, with the number of its last entry. The next group waits for its return,
    // and with it Append may: it must not wait for a lock that somebody holds who appends.
    std::function<void(uint64_t last_sequence)> on_durable;
    // Once, with the error of the commit that failed.
    std::function<void(const absl::Status& error)> on_failure;
  };

  explicit GroupCommit(Options options);
  // Drops what waits.
  ~GroupCommit();

  // Waits while max_pending entries wait. After an error or Stop the entry is dropped.
  uint64_t Append(JournalEntry entry);

  // The number of the newest durable entry.
  uint64_t durable() const;

  // Waits until all entries appended so far are durable. DEADLINE_EXCEEDED: not by then; they still
  // will be. CANCELLED: they were dropped by Stop. Else the error of the commit that failed.
  absl::Status Flush(absl::Time deadline);

  // Drops what waits, and returns when the thread has ended.
  void Stop();

 private:
  void Run();
  // Waits for a group that is due and takes it; false: there will be none.
  bool TakeGroup(std::vector<JournalEntry>& entries, uint64_t& last_sequence);

  bool Ended() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || !error_.ok(); }
  bool Due() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  mutable absl::Mutex mutex_;
  std::vector<JournalEntry> waiting_ ABSL_GUARDED_BY(mutex_);
  // When the first of them was appended.
  absl::Time waiting_since_ ABSL_GUARDED_BY(mutex_);
  size_t being_written_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t appended_ ABSL_GUARDED_BY(mutex_);
  uint64_t durable_ ABSL_GUARDED_BY(mutex_);
  // Up to here somebody waits.
  uint64_t flush_through_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_JOURNAL_GROUP_COMMIT_H_
