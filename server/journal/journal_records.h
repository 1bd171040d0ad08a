// What goes into the journal (entries) and what comes out of it (recovered runs, history).
#ifndef LEHR_SERVER_JOURNAL_JOURNAL_RECORDS_H_
#define LEHR_SERVER_JOURNAL_JOURNAL_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "lehr/v1/decision.pb.h"
#include "lehr/v1/runs.pb.h"
#include "lehr/v1/supervisor.pb.h"
#include "server/journal/journal.pb.h"
#include "server/journal/series_bucket.h"

namespace lehr {

// Names one step of a run.
struct JournalKey {
  std::string run_id;
  uint64_t generation = 0;
  int64_t step = 0;

  friend bool operator==(const JournalKey& a, const JournalKey& b) {
    return std::tie(a.run_id, a.generation, a.step) == std::tie(b.run_id, b.generation, b.step);
  }
  template <typename H>
  friend H AbslHashValue(H hash, const JournalKey& key) {
    return H::combine(std::move(hash), key.run_id, key.generation, key.step);
  }
};

// --- Entries: one for each kind of record, with messages already encoded. ---

struct RunEntry {
  std::string run_id;
  std::string record;  // a RunRecord
};
struct GenerationEntry {
  std::string run_id;
  uint64_t generation = 0;
  std::string record;  // a GenerationRecord
};
struct DecisionEntry {
  JournalKey key;
  bool commanding = false;  // whether it has actions
  bool acting = false;      // whether one of them changes parameters
  std::string decision;     // a lehr.v1.Decision without durable_through
  std::string policy_state;
  SeriesBucket series;  // what a chart shows of it
};
struct OutcomeEntry {
  JournalKey key;
  uint32_t rank = 0;
  v1::CommandOutcome::Result result = v1::CommandOutcome::RESULT_UNSPECIFIED;
};
struct CheckpointEntry {
  JournalKey key;
  uint32_t branch = 0;
  std::string policy_state;
};
struct ActingStoppedEntry {
  bool stopped = false;
};
// Raises the epoch to above + 1 unless it is higher already.
struct EpochEntry {
  uint64_t above = 0;
};
// The last entry of a process that stops cleanly.
struct CleanStopEntry {};

using JournalEntry =
    std::variant<RunEntry, GenerationEntry, std::shared_ptr<const DecisionEntry>, OutcomeEntry,
                 CheckpointEntry, ActingStoppedEntry, EpochEntry, CleanStopEntry>;

// --- What a restart reads. ---

struct RecordedDecision {
  v1::Decision decision;
  std::string policy_state;
};

struct RecoveredCheckpoint {
  uint64_t generation = 0;
  int64_t step = 0;
  uint32_t branch = 0;
  std::string policy_state;
};

// Commands of a run over all its generations. Unit: commands.
struct CommandCounts {
  uint64_t commands = 0;
  uint64_t applied = 0;  // at least one rank said that it applied it
  uint64_t skipped = 0;  // at least one rank said that it skipped it, or that it expired

  bool operator==(const CommandCounts&) const = default;
};

struct RecoveredRun {
  journal::v1::RunRecord run;
  // The newest kMaxRecoveredGenerations, oldest first; only the newest one has its tensors.
  std::vector<journal::v1::GenerationRecord> generations;
  // The one of the highest step in the run's current generation.
  std::optional<RecordedDecision> newest;
  CommandCounts counts;
  // In the order of (generation, step). Bound: kMaxCheckpoints.
  std::vector<RecoveredCheckpoint> checkpoints;
};

inline constexpr size_t kMaxRecoveredGenerations = 256;
// Of a run; when it is exceeded, the one that was written longest ago goes.
inline constexpr size_t kMaxCheckpoints = 1024;

struct RecoveredState {
  bool acting_stopped = false;
  // In the order in which they were first appended.
  std::vector<RecoveredRun> runs;
};

// --- History. ---

struct HistoryPosition {
  uint64_t generation = 0;
  int64_t step = 0;
};

struct HistoryQuery {
  std::string run_id;
  uint64_t generation = 0;  // 0: all
  int64_t from_step = 0;    // in each generation
  // Start behind this entry: HistoryPage::next of the page before.
  std::optional<HistoryPosition> after;
  size_t limit = 1000;
  bool only_commands = false;
  bool only_acts = false;
  // In the reverse order; from_step is then still the first step of each generation.
  bool newest_first = false;
};

struct HistoryPage {
  // In the order of (generation, step), or its reverse.
  std::vector<v1::HistoryEntry> entries;
  // Unset: there are no more.
  std::optional<HistoryPosition> next;
};

// --- Series. ---

struct SeriesQuery {
  std::string run_id;
  uint64_t generation = 1;
  // The first and the last step.
  int64_t from_step = 0;
  int64_t to_step = std::numeric_limits<int64_t>::max();
  // Buckets at most. Bound: >= 1.
  uint32_t points = 1000;
};

}  // namespace lehr

#endif  // LEHR_SERVER_JOURNAL_JOURNAL_RECORDS_H_
