// The journal's files in the data directory, made and opened without ever changing a damaged one.
//
//   journal.db        the database
//   journal.db-wal    SQLite's write-ahead log: entries that are not in the database yet
//   journal.durable   up to which entry the two must reach (server/durable_mark.h)
#ifndef LEHR_SERVER_JOURNAL_JOURNAL_FILE_H_
#define LEHR_SERVER_JOURNAL_JOURNAL_FILE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/journal/journal_tables.h"
#include "server/journal/sqlite.h"

namespace lehr {

struct JournalPaths {
  explicit JournalPaths(const std::string& data_dir);

  std::string data_dir;
  std::string database;
  std::string log;
  std::string mark;
};

// Makes an empty journal, all of it or nothing, if the directory has none. DATA_LOSS: it has files
// of one, but no database.
absl::Status CreateJournalIfMissing(const JournalPaths& paths);

// A database whose pages, schema, end and rows that a restart reads have been checked.
struct JournalFile {
  std::unique_ptr<sqlite::Database> database;
  std::unique_ptr<JournalTables> tables;
  // There is no mark: the database is new, or a copy that may end anywhere.
  bool may_be_older_copy = false;
};

// DATA_LOSS with what an operator can do about it; any other status as it is.
absl::Status WithAdvice(const absl::Status& status, const JournalPaths& paths);

// Opens it for this process alone; the data directory must be locked. Until something is committed,
// every file stays as it is. NOT_FOUND: there is no database. DATA_LOSS: a file is damaged or
// misses entries. FAILED_PRECONDITION: it is another program's, another version's, or open
// elsewhere.
absl::StatusOr<JournalFile> OpenJournalFile(const JournalPaths& paths);

}  // namespace lehr

#endif  // LEHR_SERVER_JOURNAL_JOURNAL_FILE_H_
