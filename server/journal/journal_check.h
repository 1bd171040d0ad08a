// Verifies a journal's database in full, not only what a restart reads.
#ifndef LEHR_SERVER_JOURNAL_JOURNAL_CHECK_H_
#define LEHR_SERVER_JOURNAL_JOURNAL_CHECK_H_

#include "absl/status/status.h"
#include "server/journal/journal_tables.h"
#include "server/journal/sqlite.h"

namespace lehr {

// Reads all rows and indexes: pages, checksums, messages, and that the counts of each run are those
// of its rows. Writes nothing. DATA_LOSS: what does not fit.
absl::Status CheckJournalRows(sqlite::Database& database, const JournalTables& tables);

}  // namespace lehr

#endif  // LEHR_SERVER_JOURNAL_JOURNAL_CHECK_H_
