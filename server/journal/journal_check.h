// Verifies a journal in full, not only what a restart reads, and tells what is in it.
#ifndef LEHR_SERVER_JOURNAL_JOURNAL_CHECK_H_
#define LEHR_SERVER_JOURNAL_JOURNAL_CHECK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/journal/journal_records.h"
#include "server/journal/journal_tables.h"

namespace lehr {

struct JournalSummary {
  struct Run {
    std::string run_id;
    int64_t decisions = 0;
    // Unset: there are no decisions.
    std::optional<HistoryPosition> newest;
  };

  JournalState state;
  // In the order in which they were opened.
  std::vector<Run> runs;
  // Of the database and its log. Unit: bytes.
  uint64_t size = 0;
  // Names in the directory that are not lehrd's, in their order. They were not looked at.
  std::vector<std::string> other_files;
};

// Reads all rows and indexes of a journal that no lehrd holds: pages, checksums, messages, and that
// the counts of each run are those of its rows. The directory stays as it is. The time it takes
// grows with the size of the database.
//
// NOT_FOUND: there is no journal. PERMISSION_DENIED: it may not be written. DATA_LOSS: the first
// damage, by file and row. FAILED_PRECONDITION: a process holds it, or it is another program's or
// another version's.
absl::StatusOr<JournalSummary> CheckJournal(const std::string& data_dir);

}  // namespace lehr

#endif  // LEHR_SERVER_JOURNAL_JOURNAL_CHECK_H_
