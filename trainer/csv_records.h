// Splits CSV text (RFC 4180) into records: commas between fields, "quoted fields" with "" for a
// quote, LF or CRLF.
//
//   CsvRecords records(text);
//   std::vector<std::string> fields;
//   while (true) {
//     absl::StatusOr<bool> more = records.Next(fields);
//     if (!more.ok() || !*more) break;
//     // fields of the record that starts at records.line()
//   }
//
// Empty lines are skipped, and a byte order mark at the start. The text must outlive the object.
#ifndef LEHR_TRAINER_CSV_RECORDS_H_
#define LEHR_TRAINER_CSV_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace lehr {

class CsvRecords {
 public:
  explicit CsvRecords(std::string_view text);

  // Fills in the next record and returns true; false at the end. InvalidArgument with the line
  // where a quoted field does not end, or text follows its end.
  absl::StatusOr<bool> Next(std::vector<std::string>& fields);

  // The line that the latest record starts on, counted from 1.
  int64_t line() const { return line_; }

 private:
  absl::StatusOr<std::string> NextField();
  absl::StatusOr<std::string> QuotedField();
  bool AtEndOfField() const;
  void SkipLineBreaks();

  std::string_view text_;
  size_t position_ = 0;
  int64_t current_line_ = 1;
  int64_t line_ = 1;
};

}  // namespace lehr

#endif  // LEHR_TRAINER_CSV_RECORDS_H_
