#include "trainer/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

absl::Status WriteAll(int descriptor, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
    }
    content.remove_prefix(written);
  }
  return absl::OkStatus();
}

absl::Status WriteAndSync(const std::string& path, std::string_view content) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
  }
  absl::Status status = WriteAll(descriptor, content, path);
  if (status.ok() && fsync(descriptor) != 0) {
    status = absl::ErrnoToStatus(errno, absl::StrCat("cannot sync ", path));
  }
  if (close(descriptor) != 0 && status.ok()) {
    status = absl::ErrnoToStatus(errno, absl::StrCat("cannot close ", path));
  }
  return status;
}

// So that the new name survives a power cut too.
absl::Status SyncFolderOf(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", folder));
  }
  const bool synced = fsync(descriptor) == 0;
  const int error = errno;
  close(descriptor);
  return synced ? absl::OkStatus()
                : absl::ErrnoToStatus(error, absl::StrCat("cannot sync ", folder));
}

}  // namespace

absl::Status ReplaceFile(const std::string& path, std::string_view content) {
  struct stat existing = {};
  if (stat(path.c_str(), &existing) == 0 && !S_ISREG(existing.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is not a regular file"));
  }
  const std::string temporary = path + ".tmp";
  absl::Cleanup remove_temporary = [&temporary] { unlink(temporary.c_str()); };
  if (absl::Status status = WriteAndSync(temporary, content); !status.ok()) {
    return status;
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot replace ", path));
  }
  std::move(remove_temporary).Cancel();
  return SyncFolderOf(path);
}

}  // namespace lehr
