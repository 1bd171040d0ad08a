#include "server/journal/sqlite.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace lehr::sqlite {
namespace {

absl::StatusCode StatusCodeOf(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::StatusCode::kFailedPrecondition;
    case SQLITE_FULL:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return absl::StatusCode::kPermissionDenied;
    case SQLITE_IOERR:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::Status StatusOf(sqlite3* connection, int code) {
  const bool busy = StatusCodeOf(code) == absl::StatusCode::kFailedPrecondition;
  return absl::Status(
      StatusCodeOf(code),
      absl::StrCat(sqlite3_db_filename(connection, "main"), ": ", sqlite3_errmsg(connection),
                   busy ? ": another program has it open" : "", " (SQLite code ", code, ")"));
}

}  // namespace

absl::Status Statement::Next() {
  const int code = sqlite3_step(statement_.get());
  has_row_ = code == SQLITE_ROW;
  if (has_row_) {
    return absl::OkStatus();
  }
  if (code != SQLITE_DONE) {
    return Error(code);
  }
  // A statement that is not reset keeps its read transaction open.
  sqlite3_reset(statement_.get());
  return absl::OkStatus();
}

std::string Statement::path() const {
  return sqlite3_db_filename(sqlite3_db_handle(statement_.get()), "main");
}

bool Statement::IsInteger(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_INTEGER;
}

std::string_view Statement::Bytes(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return std::string_view(static_cast<const char*>(bytes), size);
}

absl::Status Statement::Error(int code) const {
  return StatusOf(sqlite3_db_handle(statement_.get()), code);
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path, Mode mode) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (mode == Mode::kCreate ? SQLITE_OPEN_CREATE : 0);
  auto database = std::unique_ptr<Database>(new Database(path));
  const int code = sqlite3_open_v2(path.c_str(), &database->connection_, flags, nullptr);
  if (code != SQLITE_OK) {
    return absl::Status(StatusCodeOf(code), absl::StrCat(path, ": ", sqlite3_errstr(code)));
  }
  sqlite3_db_config(database->connection_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(database->connection_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // Takes the place of SQLite's own checkpoints, which swallow a failed fsync and try again.
  sqlite3_wal_hook(
      database->connection_,
      [](void* log_pages, sqlite3*, const char*, int pages) {
        *static_cast<int*>(log_pages) = pages;
        return SQLITE_OK;
      },
      &database->log_pages_);
  return database;
}

absl::Status Database::Execute(const std::string& sql) {
  const int code = sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : StatusOf(connection_, code);
}

absl::StatusOr<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(connection_, sql.data(), static_cast<int>(sql.size()),
                                      &statement, nullptr);
  if (code != SQLITE_OK) {
    return StatusOf(connection_, code);
  }
  return Statement(statement);
}

absl::StatusOr<std::string> Database::Ask(std::string_view sql) {
  absl::StatusOr<Statement> statement = Prepare(sql);
  if (!statement.ok()) {
    return statement.status();
  }
  if (absl::Status status = statement->Start(); !status.ok()) {
    return status;
  }
  return statement->HasRow() ? std::string(statement->Bytes(0)) : std::string();
}

absl::Status Database::FindDamage(Scan scan) {
  const absl::StatusOr<std::string> found =
      Ask(scan == Scan::kQuick ? "PRAGMA quick_check(1)" : "PRAGMA integrity_check(1)");
  if (!found.ok()) {
    return found.status();
  }
  return *found == "ok" ? absl::OkStatus() : absl::DataLossError(absl::StrCat(path_, ": ", *found));
}

absl::Status Database::Checkpoint(Log log) {
  const int mode = log == Log::kReuse ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_TRUNCATE;
  const int code = sqlite3_wal_checkpoint_v2(connection_, "main", mode, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : StatusOf(connection_, code);
}

}  // namespace lehr::sqlite
