#include "server/journal/data_directory.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

constexpr mode_t kOwnerOnly = 0700;

// A process that only reads does not leave its id: what is there may be that of one long gone.
bool IsAlive(int process) { return kill(process, 0) == 0 || errno == EPERM; }

std::string ReadProcessId(const FileDescriptor& file) {
  char text[32];
  const ssize_t size = pread(file.get(), text, sizeof(text), /*offset=*/0);
  int process = 0;
  const bool known =
      size > 0 && absl::SimpleAtoi(absl::string_view(text, static_cast<size_t>(size)), &process);
  return known && process > 0 && IsAlive(process) ? absl::StrCat("process ", process)
                                                  : "another process";
}

absl::Status LockFile(const FileDescriptor& file, const std::string& directory) {
  if (flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
    return absl::OkStatus();
  }
  if (errno != EWOULDBLOCK) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot lock ", LockPath(directory)));
  }
  return absl::FailedPreconditionError(
      absl::StrCat("the data directory ", directory, " is held by ", ReadProcessId(file),
                   "; stop it, or give this one another --data_dir"));
}

}  // namespace

absl::Status CreateDataDirectory(const std::string& path) {
  // "data/" has the parent "data".
  const size_t end = path.find_last_not_of('/');
  const std::filesystem::path parent = std::filesystem::path(path.substr(0, end + 1)).parent_path();
  std::error_code error;
  if (!parent.empty() && !std::filesystem::create_directories(parent, error) && error) {
    return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot create ", parent.string()));
  }
  if (mkdir(path.c_str(), kOwnerOnly) != 0 && errno != EEXIST) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot create the data directory ", path));
  }
  if (!std::filesystem::is_directory(path, error)) {
    return absl::FailedPreconditionError(
        absl::StrCat("the data directory ", path, " is not a directory"));
  }
  return absl::OkStatus();
}

absl::Status SyncDirectory(const std::string& path) {
  const FileDescriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || fsync(directory.get()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot sync the directory ", path));
  }
  return absl::OkStatus();
}

std::string LockPath(const std::string& directory) {
  return absl::StrCat(directory, "/lehrd.lock");
}

absl::StatusOr<DirectoryLock> DirectoryLock::Acquire(const std::string& directory) {
  const std::string path = LockPath(directory);
  FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  }
  if (absl::Status status = LockFile(file, directory); !status.ok()) {
    return status;
  }
  const std::string process = absl::StrCat(getpid(), "\n");
  if (ftruncate(file.get(), 0) != 0 ||
      pwrite(file.get(), process.data(), process.size(), /*offset=*/0) !=
          static_cast<ssize_t>(process.size())) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
  }
  return DirectoryLock(std::move(file));
}

absl::StatusOr<DirectoryLock> DirectoryLock::AcquireToRead(const std::string& directory) {
  if (std::error_code error; !std::filesystem::is_directory(directory, error)) {
    return absl::NotFoundError(absl::StrCat("there is no directory ", directory));
  }
  const std::string path = LockPath(directory);
  FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    if (errno == ENOENT) {
      return DirectoryLock(std::move(file));
    }
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  }
  if (absl::Status status = LockFile(file, directory); !status.ok()) {
    return status;
  }
  return DirectoryLock(std::move(file));
}

}  // namespace lehr
