// The tables of the journal's database and their version.
//
//   state        one row: the epoch, whether the last process closed cleanly, whether acting is
//                stopped, the sequence number of the newest record
//   runs         a RunRecord, and counts over the run's commands, kept as rows come
//   generations  a GenerationRecord
//   decisions    a lehr.v1.Decision and the policy's state after it; "commanding" for those with
//                actions and "acting" for those of them that change parameters, with an index each
//   outcomes     what became of a command: one byte a rank, a lehr.v1.CommandOutcome.Result each
//   checkpoints  the policy's state at a step, for a rewind to it
//   buckets      what a chart shows of the decisions of 8, 64, 512, ... steps (series_table.h):
//                they follow from the decisions, and make a long run's chart quick
//
// A run is named by its integer key "run" in every table but runs. Tables without rowid are stored
// in the order of their primary key: a run's history is read as one range. The column "crc" is the
// checksum of the others (server/journal_rows.h).
#ifndef LEHR_SERVER_JOURNAL_JOURNAL_SCHEMA_H_
#define LEHR_SERVER_JOURNAL_JOURNAL_SCHEMA_H_

#include "absl/status/status.h"
#include "server/journal/sqlite.h"

namespace lehr {

// Rises with every change of the tables.
inline constexpr int kJournalSchemaVersion = 3;

// Makes the tables in an empty database, in one transaction.
absl::Status CreateJournalSchema(sqlite::Database& database);

// Whether the database is a journal of this version with exactly these tables. FAILED_PRECONDITION:
// it belongs to another program or to another version of lehrd. DATA_LOSS: its tables are damaged.
absl::Status CheckJournalSchema(sqlite::Database& database);

}  // namespace lehr

#endif  // LEHR_SERVER_JOURNAL_JOURNAL_SCHEMA_H_
