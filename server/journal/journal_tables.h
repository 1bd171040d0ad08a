// Writes journal entries into the tables: one transaction for a batch.
//
// Keeps in memory what every commit needs: the state row, and the row of each run. After an error
// nothing of the batch is in the database, and the object must not be used to write again.
//
// Not thread-safe.
#ifndef LEHR_SERVER_JOURNAL_JOURNAL_TABLES_H_
#define LEHR_SERVER_JOURNAL_JOURNAL_TABLES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "server/journal/command_outcomes.h"
#include "server/journal/journal_records.h"
#include "server/journal/series_table.h"
#include "server/journal/sqlite.h"

namespace lehr {

// The row of the table state.
struct JournalState {
  uint64_t epoch = 0;
  // The last commit was that of a clean stop.
  bool clean = false;
  bool acting_stopped = false;
  // Entries written since the journal was made.
  uint64_t sequence = 0;
};

// A row of the table runs.
struct RunRow {
  int64_t run = 0;
  std::string run_id;
  std::string record;  // a RunRecord
  CommandCounts counts;
  bool changed = false;  // since it was written
};

class JournalTables {
 public:
  // Reads the state and the runs. DATA_LOSS: a row is damaged.
  static absl::StatusOr<std::unique_ptr<JournalTables>> Load(sqlite::Database& database);

  // Writes the entries in order, in one transaction, which is synced when this returns OK.
  // INTERNAL: an entry cannot be, e.g. a second decision for one key; the message has both.
  absl::Status Commit(absl::Span<const JournalEntry> entries);

  const JournalState& state() const { return state_; }
  // In the order of their key.
  const std::vector<RunRow>& runs() const { return runs_; }
  // The key of a run. NOT_FOUND: no run of this id was written.
  absl::StatusOr<int64_t> FindRun(const std::string& run_id) const;

 private:
  explicit JournalTables(sqlite::Database& database)
      : database_(database), outcomes_(database), series_(database) {}

  absl::Status Prepare();
  absl::Status LoadState();
  absl::Status LoadRuns();

  absl::Status WriteAll(absl::Span<const JournalEntry> entries);
  absl::Status Write(const RunEntry& entry);
  absl::Status Write(const GenerationEntry& entry);
  absl::Status Write(const std::shared_ptr<const DecisionEntry>& entry);
  absl::Status Write(const OutcomeEntry& entry);
  absl::Status Write(const CheckpointEntry& entry);
  absl::Status Write(const ActingStoppedEntry& entry);
  absl::Status Write(const EpochEntry& entry);
  absl::Status Write(const CleanStopEntry& entry);
  absl::Status CompareWithRecorded(const DecisionEntry& entry, int64_t run);
  absl::Status WriteOutcomes();
  absl::Status WriteRuns();
  absl::Status WriteState();
  RunRow& RowOf(int64_t run) { return runs_[run - 1]; }

  sqlite::Database& database_;
  sqlite::Statement replace_run_;
  sqlite::Statement replace_generation_;
  sqlite::Statement insert_decision_;
  sqlite::Statement replace_checkpoint_;
  sqlite::Statement drop_oldest_checkpoints_;
  sqlite::Statement replace_state_;
  CommandOutcomes outcomes_;
  SeriesTable series_;

  JournalState state_;
  std::vector<RunRow> runs_;  // that of key k at k - 1
  absl::flat_hash_map<std::string, int64_t> run_keys_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_JOURNAL_JOURNAL_TABLES_H_
