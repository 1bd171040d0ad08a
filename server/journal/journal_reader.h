// Reads the journal's tables: what a restart needs, pages of history, single decisions.
//
// Every row is checked against its checksum. Errors: DATA_LOSS for a damaged row, those of
// server/sqlite.h.
//
// Not thread-safe.
#ifndef LEHR_SERVER_JOURNAL_JOURNAL_READER_H_
#define LEHR_SERVER_JOURNAL_JOURNAL_READER_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "server/journal/journal_records.h"
#include "server/journal/journal_tables.h"
#include "server/journal/sqlite.h"

namespace lehr {

// Reads of each run a bounded number of rows, not its history.
absl::StatusOr<RecoveredState> ReadRecoveredState(sqlite::Database& database,
                                                  const JournalTables& tables);

// run: the key of query.run_id. INVALID_ARGUMENT: the limit is 0. It seeks: the time
// depends on the limit, not on the length of the history.
absl::StatusOr<HistoryPage> ReadHistoryPage(sqlite::Database& database, int64_t run,
                                            const HistoryQuery& query);

absl::StatusOr<std::optional<RecordedDecision>> ReadDecision(sqlite::Database& database,
                                                             int64_t run, uint64_t generation,
                                                             int64_t step);

}  // namespace lehr

#endif  // LEHR_SERVER_JOURNAL_JOURNAL_READER_H_
