// Recorded decisions as a file's text: CSV with a header line, or a JSON array.
//
//   CsvExport csv(out);
//   for (...) csv.Add(entry);
//   csv.Finish();
//
// client/README.md describes the columns and their units.
#ifndef LEHR_CLIENT_CLI_HISTORY_EXPORT_H_
#define LEHR_CLIENT_CLI_HISTORY_EXPORT_H_

#include <ostream>

#include "lehr/v1/runs.pb.h"

namespace lehr {

// One line a decision. Numbers have as many digits as it takes to read the same number back. Where
// there are several perturbations, `stddev` is the first one's.
class CsvExport {
 public:
  explicit CsvExport(std::ostream& out) : out_(out) {}
  void Add(const v1::HistoryEntry& entry);
  void Finish() { WriteHeader(); }

 private:
  // Once, and not before there is a history: a failed export prints nothing.
  void WriteHeader();

  std::ostream& out_;
  bool has_header_ = false;
};

// An array of HistoryEntry in proto JSON, one entry a line.
class JsonExport {
 public:
  explicit JsonExport(std::ostream& out) : out_(out) {}
  void Add(const v1::HistoryEntry& entry);
  void Finish();

 private:
  std::ostream& out_;
  bool is_empty_ = true;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_CLI_HISTORY_EXPORT_H_
