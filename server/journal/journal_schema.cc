#include "server/journal/journal_schema.h"

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "server/journal/journal_rows.h"

namespace lehr {
namespace {

// "lehr" in ASCII: in the header of the file, so that file(1) and we can tell whose it is.
constexpr int kApplicationId = 0x6c656872;

constexpr char kTables[] = R"sql(
CREATE TABLE state(
  id INTEGER PRIMARY KEY CHECK(id = 1),
  epoch INTEGER NOT NULL,
  clean INTEGER NOT NULL,
  acting_stopped INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  crc INTEGER NOT NULL
) STRICT;

CREATE TABLE runs(
  run INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL,
  record BLOB NOT NULL,
  commands INTEGER NOT NULL,
  applied INTEGER NOT NULL,
  skipped INTEGER NOT NULL,
  crc INTEGER NOT NULL
) STRICT;

CREATE TABLE generations(
  run INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  record BLOB NOT NULL,
  crc INTEGER NOT NULL,
  PRIMARY KEY(run, generation)
) STRICT, WITHOUT ROWID;

CREATE TABLE decisions(
  run INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  step INTEGER NOT NULL,
  commanding INTEGER NOT NULL,
  decision BLOB NOT NULL,
  policy_state BLOB NOT NULL,
  acting INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  PRIMARY KEY(run, generation, step)
) STRICT, WITHOUT ROWID;

CREATE INDEX commands ON decisions(run, generation, step) WHERE commanding = 1;
CREATE INDEX acts ON decisions(run, generation, step) WHERE acting = 1;

CREATE TABLE outcomes(
  run INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  step INTEGER NOT NULL,
  results BLOB NOT NULL,
  crc INTEGER NOT NULL,
  PRIMARY KEY(run, generation, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints(
  run INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  step INTEGER NOT NULL,
  branch INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  policy_state BLOB NOT NULL,
  crc INTEGER NOT NULL,
  PRIMARY KEY(run, generation, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE buckets(
  run INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  level INTEGER NOT NULL,
  block INTEGER NOT NULL,
  bucket BLOB NOT NULL,
  crc INTEGER NOT NULL,
  PRIMARY KEY(run, generation, level, block)
) STRICT, WITHOUT ROWID;
)sql";

// Every object of the schema in one text, to compare two schemas by.
absl::StatusOr<std::string> DescribeSchema(sqlite::Database& database) {
  return database.Ask(
      "SELECT group_concat(type || ' ' || name || ': ' || coalesce(sql, ''), char(10)) "
      "FROM (SELECT * FROM sqlite_schema ORDER BY type, name)");
}

absl::StatusOr<std::string> ExpectedSchema() {
  auto pattern = sqlite::Database::Open(":memory:", sqlite::Database::Mode::kCreate);
  if (!pattern.ok()) {
    return pattern.status();
  }
  if (absl::Status status = (*pattern)->Execute(kTables); !status.ok()) {
    return status;
  }
  return DescribeSchema(**pattern);
}

}  // namespace

absl::Status CreateJournalSchema(sqlite::Database& database) {
  absl::Status status =
      database.Execute(absl::StrCat("BEGIN;", kTables, "PRAGMA application_id = ", kApplicationId,
                                    ";PRAGMA user_version = ", kJournalSchemaVersion));
  if (!status.ok()) {
    return status;
  }
  absl::StatusOr<sqlite::Statement> insert =
      database.Prepare("INSERT INTO state VALUES(?, ?, ?, ?, ?, ?)");
  if (!insert.ok()) {
    return insert.status();
  }
  const int64_t id = 1, epoch = 0, clean = 1, acting_stopped = 0, sequence = 0;
  status = WriteRow(*insert, "state", id, epoch, clean, acting_stopped, sequence);
  return status.ok() ? database.Execute("COMMIT") : status;
}

absl::Status CheckJournalSchema(sqlite::Database& database) {
  const absl::StatusOr<std::string> application = database.Ask("PRAGMA application_id");
  const absl::StatusOr<std::string> version = database.Ask("PRAGMA user_version");
  const absl::StatusOr<std::string> schema = DescribeSchema(database);
  for (const auto* answer : {&application, &version, &schema}) {
    if (!answer->ok()) {
      return answer->status();
    }
  }
  if (*application != absl::StrCat(kApplicationId)) {
    return absl::FailedPreconditionError(absl::StrCat(
        database.path(),
        ": a SQLite database, but not a journal of lehrd "
        "(application_id ",
        *application, ", expected ", kApplicationId, "); give lehrd another --data_dir"));
  }
  if (*version != absl::StrCat(kJournalSchemaVersion)) {
    return absl::FailedPreconditionError(absl::StrCat(
        database.path(), ": schema version ", *version, ", and this lehrd knows only ",
        kJournalSchemaVersion, ". Start the lehrd that wrote it, restore a backup of version ",
        kJournalSchemaVersion, ", or give this one another --data_dir"));
  }
  const absl::StatusOr<std::string> expected = ExpectedSchema();
  if (!expected.ok()) {
    return expected.status();
  }
  if (*schema != *expected) {
    return absl::DataLossError(absl::StrCat(
        database.path(), ": its tables are not those of schema version ", kJournalSchemaVersion));
  }
  return absl::OkStatus();
}

}  // namespace lehr
