// lehrd's data directory: made where it is missing, and held by one process at a time.
#ifndef LEHR_SERVER_JOURNAL_DATA_DIRECTORY_H_
#define LEHR_SERVER_JOURNAL_DATA_DIRECTORY_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/journal/file_descriptor.h"

namespace lehr {

// Makes the directory, for its owner only (mode 0700), and what leads to it. One that is there
// stays as it is. Errors name the path.
absl::Status CreateDataDirectory(const std::string& path);

// Makes what was created, renamed or removed in the directory survive a power loss.
absl::Status SyncDirectory(const std::string& path);

// Of the file by which a data directory is held.
std::string LockPath(const std::string& directory);

// Holds a data directory by a lock on that file, which has the process id. The kernel
// releases it with the process, however that ends; the destructor releases it earlier.
class DirectoryLock {
 public:
  // FAILED_PRECONDITION: another process holds it; the message has its id. Does not wait.
  static absl::StatusOr<DirectoryLock> Acquire(const std::string& directory);

  // As Acquire, for a process that only reads: the directory stays as it is, and one without the
  // file (a copy) is nobody's. NOT_FOUND: there is no directory.
  static absl::StatusOr<DirectoryLock> AcquireToRead(const std::string& directory);

 private:
  explicit DirectoryLock(FileDescriptor file) : file_(std::move(file)) {}

  FileDescriptor file_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_JOURNAL_DATA_DIRECTORY_H_
