#include "server/journal/journal_file.h"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "server/journal/data_directory.h"
#include "server/journal/durable_mark.h"
#include "server/journal/journal_reader.h"
#include "server/journal/journal_schema.h"

namespace lehr {
namespace {

// In doubt yes: a file that cannot be looked at must not be replaced by a new one.
bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error) || error;
}

void Remove(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

// Before SQLite sees the file: it takes an empty one for a new database and removes its log, and it
// rolls back a rollback journal, which lehrd never writes.
absl::Status CheckFiles(const JournalPaths& paths) {
  std::error_code error;
  if (std::filesystem::file_size(paths.database, error) == 0 && !error) {
    return absl::DataLossError(absl::StrCat(paths.database, ": the file is empty"));
  }
  if (error) {
    return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot read ", paths.database));
  }
  const std::string rollback_journal = absl::StrCat(paths.database, "-journal");
  if (Exists(rollback_journal)) {
    return absl::DataLossError(
        absl::StrCat(rollback_journal, ": another program was interrupted in a change of ",
                     paths.database, ", and lehrd will not complete or undo it"));
  }
  return absl::OkStatus();
}

absl::Status Configure(sqlite::Database& database) {
  // Exclusive before anything is read: the log's index then lives in memory, and no second
  // connection can join.
  absl::Status status =
      database.Execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL");
  if (!status.ok()) {
    return status;
  }
  const absl::StatusOr<std::string> mode = database.Ask("PRAGMA journal_mode");
  if (!mode.ok()) {
    return mode.status();
  }
  return *mode == "wal" ? absl::OkStatus()
                        : absl::DataLossError(absl::StrCat(
                              database.path(), ": its journal mode is ", *mode, ", expected wal"));
}

absl::Status CheckEnd(const JournalPaths& paths, JournalFile& file) {
  const absl::StatusOr<std::optional<uint64_t>> mark = DurableMark::Read(paths.mark);
  if (!mark.ok()) {
    return mark.status();
  }
  file.may_be_older_copy = !mark->has_value();
  const uint64_t sequence = file.tables->state().sequence;
  if (sequence < mark->value_or(0)) {
    return absl::DataLossError(absl::StrCat(
        paths.database, ": it ends with entry ", sequence, ", and entry ", **mark,
        " was durable: the end of ", paths.log,
        " is damaged or missing, or this is an older copy. To go on without what is missing, move ",
        paths.mark, " away"));
  }
  return absl::OkStatus();
}

absl::Status OpenAndCheck(const JournalPaths& paths, JournalFile& file) {
  auto database = sqlite::Database::Open(paths.database, sqlite::Database::Mode::kExisting);
  if (!database.ok()) {
    return database.status();
  }
  file.database = *std::move(database);
  absl::Status status = Configure(*file.database);
  if (status.ok()) {
    status = CheckJournalSchema(*file.database);
  }
  if (status.ok()) {
    status = file.database->FindDamage(sqlite::Database::Scan::kQuick);
  }
  if (!status.ok()) {
    return status;
  }
  auto tables = JournalTables::Load(*file.database);
  if (!tables.ok()) {
    return tables.status();
  }
  file.tables = *std::move(tables);
  status = CheckEnd(paths, file);
  return status.ok() ? ReadRecoveredState(*file.database, *file.tables).status() : status;
}

}  // namespace

JournalPaths::JournalPaths(const std::string& data_dir)
    : data_dir(data_dir),
      database(absl::StrCat(data_dir, "/journal.db")),
      log(absl::StrCat(database, "-wal")),
      mark(absl::StrCat(data_dir, "/journal.durable")) {}

absl::Status WithAdvice(const absl::Status& status, const JournalPaths& paths) {
  if (!absl::IsDataLoss(status)) {
    return status;
  }
  return absl::DataLossError(
      absl::StrCat(status.message(), ". Nothing was changed. Restore ", paths.database,
                   "* from a backup and remove ", paths.mark,
                   ", or move all of them away to start with an empty history"));
}

absl::Status CreateJournalIfMissing(const JournalPaths& paths) {
  if (Exists(paths.database)) {
    return absl::OkStatus();
  }
  for (const std::string& rest : {paths.log, paths.mark}) {
    if (Exists(rest)) {
      return absl::DataLossError(
          absl::StrCat(paths.database, ": missing, but ", rest, " is there"));
    }
  }
  // Under another name until it is complete.
  const std::string unfinished = absl::StrCat(paths.database, ".new");
  for (const char* suffix : {"", "-wal", "-journal"}) {
    Remove(absl::StrCat(unfinished, suffix));
  }
  auto database = sqlite::Database::Open(unfinished, sqlite::Database::Mode::kCreate);
  if (!database.ok()) {
    return database.status();
  }
  absl::Status status = (*database)->Execute(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL");
  if (status.ok()) {
    status = CreateJournalSchema(**database);
  }
  if (status.ok()) {
    status = (*database)->Checkpoint(sqlite::Database::Log::kTruncate);
  }
  if (!status.ok()) {
    return status;
  }
  database->reset();
  Remove(absl::StrCat(unfinished, "-wal"));
  if (std::rename(unfinished.c_str(), paths.database.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot create ", paths.database));
  }
  return SyncDirectory(paths.data_dir);
}

absl::StatusOr<JournalFile> OpenJournalFile(const JournalPaths& paths) {
  if (!Exists(paths.database)) {
    return absl::NotFoundError(absl::StrCat(paths.database, ": no such file"));
  }
  if (absl::Status status = CheckFiles(paths); !status.ok()) {
    return status;
  }
  // SQLite makes a log as soon as it reads; after an error the directory stays as it was.
  absl::Cleanup remove_log = [&paths, had_log = Exists(paths.log)] {
    if (!had_log) {
      Remove(paths.log);
    }
  };
  JournalFile file;
  if (absl::Status status = OpenAndCheck(paths, file); !status.ok()) {
    return status;
  }
  std::move(remove_log).Cancel();
  return file;
}

}  // namespace lehr
