// SQLite for C++: a connection and its statements as objects, its error codes as absl::Status.
//
// Errors name the database's file. Codes: DATA_LOSS a corrupt file or one that is not SQLite's,
// FAILED_PRECONDITION another connection holds it, RESOURCE_EXHAUSTED a full disk,
// PERMISSION_DENIED a file that cannot be opened or written, UNAVAILABLE a failing disk, INTERNAL
// the rest.
//
// Not thread-safe: one thread at a time, statements included. Statements die before their database.
//
//   absl::StatusOr<sqlite::Statement> runs = database.Prepare("SELECT run_id FROM runs WHERE run >
//   ?"); absl::Status status = runs->Start(int64_t{4}); for (; status.ok() && runs->HasRow();
//   status = runs->Next()) {
//     names.emplace_back(runs->Bytes(0));
//   }
#ifndef LEHR_SERVER_JOURNAL_SQLITE_H_
#define LEHR_SERVER_JOURNAL_SQLITE_H_

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lehr::sqlite {

// A value that is bound as bytes; a plain std::string_view is bound as text.
struct Blob {
  std::string_view bytes;
};

class Statement {
 public:
  // An empty one, to assign a prepared one to.
  Statement() = default;

  // Starts anew with these parameters, in the order of the question marks, and goes to the first
  // row. Takes int64_t, std::string_view and Blob; they are copied.
  template <typename... Values>
  absl::Status Start(const Values&... values) {
    sqlite3_reset(statement_.get());
    int index = 0;
    int code = SQLITE_OK;
    ((code = code == SQLITE_OK ? Bind(++index, values) : code), ...);
    return code == SQLITE_OK ? Next() : Error(code);
  }

  // As Start, and through to the end: for statements whose rows nobody reads.
  template <typename... Values>
  absl::Status Run(const Values&... values) {
    absl::Status status = Start(values...);
    while (status.ok() && has_row_) {
      status = Next();
    }
    return status;
  }

  // Goes to the next row, or past the last one.
  absl::Status Next();

  bool HasRow() const { return has_row_; }

  // Of the database that it reads.
  std::string path() const;

  // Of the row at hand. Views are valid until the next call of Start, Run or Next.
  int columns() const { return sqlite3_column_count(statement_.get()); }
  std::string Name(int column) const { return sqlite3_column_name(statement_.get(), column); }
  bool IsInteger(int column) const;
  int64_t Integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  std::string_view Bytes(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };

  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  int Bind(int index, int64_t value) { return sqlite3_bind_int64(statement_.get(), index, value); }
  int Bind(int index, std::string_view text) {
    return sqlite3_bind_text(statement_.get(), index, text.data(), static_cast<int>(text.size()),
                             SQLITE_TRANSIENT);
  }
  int Bind(int index, Blob blob) {
    // A null pointer would bind NULL.
    const char* bytes = blob.bytes.empty() ? "" : blob.bytes.data();
    return sqlite3_bind_blob64(statement_.get(), index, bytes, blob.bytes.size(), SQLITE_TRANSIENT);
  }
  absl::Status Error(int code) const;

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  bool has_row_ = false;
};

class Database {
 public:
  enum class Mode { kExisting, kCreate };

  // Reads nothing yet. A close leaves the write-ahead log as it is: only Checkpoint moves it into
  // the database, so that an open and a close without a write between leave the files as they were.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path, Mode mode);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { sqlite3_close(connection_); }

  // Runs statements that give no rows worth reading.
  absl::Status Execute(const std::string& sql);
  absl::StatusOr<Statement> Prepare(std::string_view sql);
  // The first column of the first row, as text.
  absl::StatusOr<std::string> Ask(std::string_view sql);

  // Looks for damaged pages and rows; kFull also compares the indexes with their tables. DATA_LOSS:
  // what it found.
  enum class Scan { kQuick, kFull };
  absl::Status FindDamage(Scan scan);

  // By the last INSERT, UPDATE or DELETE.
  int changed_rows() const { return sqlite3_changes(connection_); }

  // Moves the write-ahead log into the database, synced. A log that is reused is faster to write to
  // than one that is truncated and grows again.
  enum class Log { kReuse, kTruncate };
  absl::Status Checkpoint(Log log);
  // The length of the write-ahead log after the last commit. Unit: pages.
  int log_pages() const { return log_pages_; }

  const std::string& path() const { return path_; }

 private:
  explicit Database(std::string path) : path_(std::move(path)) {}

  const std::string path_;
  sqlite3* connection_ = nullptr;
  int log_pages_ = 0;
};

}  // namespace lehr::sqlite

#endif  // LEHR_SERVER_JOURNAL_SQLITE_H_
