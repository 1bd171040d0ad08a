// Remembers, beside the journal's database, up to which entry it was durable.
//
// The end of SQLite's write-ahead log is wherever a frame does not fit its checksum: a damaged
// frame, a log that was removed and an older copy of the database all look like a database that
// simply ends earlier. The mark tells: a database that ends before it has lost entries. The mark is
// written after the entries are synced, and is not synced itself: after a power loss it may be
// behind, never ahead.
//
// Not thread-safe.
#ifndef LEHR_SERVER_JOURNAL_DURABLE_MARK_H_
#define LEHR_SERVER_JOURNAL_DURABLE_MARK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/journal/file_descriptor.h"

namespace lehr {

class DurableMark {
 public:
  // The mark in a file; unset if the file is missing or empty. DATA_LOSS: the file holds something
  // else.
  static absl::StatusOr<std::optional<uint64_t>> Read(const std::string& path);

  // Opens the file, made where it is missing, and writes this number, synced: later ones then
  // change bytes in place.
  static absl::StatusOr<DurableMark> Open(const std::string& path, uint64_t sequence);

  absl::Status Write(uint64_t sequence);

 private:
  DurableMark(std::string path, FileDescriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  FileDescriptor file_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_JOURNAL_DURABLE_MARK_H_
