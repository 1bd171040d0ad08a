// Rows of the journal's tables, written with a checksum and checked when read.
#ifndef LEHR_SERVER_JOURNAL_JOURNAL_ROWS_H_
#define LEHR_SERVER_JOURNAL_JOURNAL_ROWS_H_

#include <google/protobuf/message_lite.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/journal/sqlite.h"

namespace lehr {

// CRC-32 (zlib) over a table's name and a row's columns, each with its type and length, in order.
class RowChecksum {
 public:
  explicit RowChecksum(std::string_view table) { Add(table); }
  void Add(int64_t value);
  void Add(std::string_view bytes);
  void Add(sqlite::Blob blob) { Add(blob.bytes); }
  int64_t value() const { return crc_; }

 private:
  void AddTagged(char tag, int64_t value);

  uint32_t crc_ = 0;
};

// Runs a statement whose parameters are a row's columns in order, with the checksum as the last.
template <typename... Values>
absl::Status WriteRow(sqlite::Statement& statement, std::string_view table,
                      const Values&... values) {
  RowChecksum checksum(table);
  (checksum.Add(values), ...);
  return statement.Run(values..., checksum.value());
}

// Checks the row at hand of a SELECT * FROM table. DATA_LOSS: the checksum does not fit.
absl::Status VerifyRow(const sqlite::Statement& row, std::string_view table);

// Reads a column into a message. DATA_LOSS: the column does not hold one.
absl::Status ParseColumn(const sqlite::Statement& row, int column,
                         google::protobuf::MessageLite& message);

// Calls visit(row) -> absl::Status for each row of SELECT * FROM table, after its checksum was
// found to fit, until an error. clauses: what follows the table's name, with a ? for each value.
template <typename Visit, typename... Values>
absl::Status ForEachRow(sqlite::Database& database, std::string_view table,
                        std::string_view clauses, Visit visit, const Values&... values) {
  std::string sql = "SELECT * FROM ";
  sql.append(table).append(" ").append(clauses);
  absl::StatusOr<sqlite::Statement> rows = database.Prepare(sql);
  if (!rows.ok()) {
    return rows.status();
  }
  absl::Status status = rows->Start(values...);
  while (status.ok() && rows->HasRow()) {
    status = VerifyRow(*rows, table);
    if (status.ok()) {
      status = visit(*rows);
    }
    if (status.ok()) {
      status = rows->Next();
    }
  }
  return status;
}

}  // namespace lehr

#endif  // LEHR_SERVER_JOURNAL_JOURNAL_ROWS_H_
