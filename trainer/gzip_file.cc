#include "trainer/gzip_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

constexpr size_t kChunk = size_t{1} << 18;

struct CloseGzip {
  void operator()(gzFile_s* file) const { gzclose_r(file); }
};

absl::Status ReadError(const std::string& path, gzFile_s* file) {
  int code = Z_OK;
  const std::string detail = gzerror(file, &code);
  if (code == Z_ERRNO) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path));
  }
  return absl::DataLossError(absl::StrCat(
      path, " is truncated or corrupt: ", code == Z_BUF_ERROR ? "unexpected end" : detail));
}

// gzopen would open a directory and then find nothing in it.
absl::StatusOr<int> OpenRegularFile(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  }
  struct stat status = {};
  if (fstat(descriptor, &status) != 0 || S_ISDIR(status.st_mode)) {
    close(descriptor);
    return absl::InvalidArgumentError(absl::StrCat(path, " is not a file"));
  }
  return descriptor;
}

}  // namespace

absl::StatusOr<std::string> ReadMaybeGzipFile(const std::string& path, size_t max_bytes) {
  const absl::StatusOr<int> descriptor = OpenRegularFile(path);
  if (!descriptor.ok()) {
    return descriptor.status();
  }
  const std::unique_ptr<gzFile_s, CloseGzip> file(gzdopen(*descriptor, "rb"));
  if (file == nullptr) {
    close(*descriptor);
    return absl::ResourceExhaustedError(absl::StrCat("no memory to read ", path));
  }
  std::string content;
  while (true) {
    const size_t size = content.size();
    content.resize(size + kChunk);
    const int count = gzread(file.get(), content.data() + size, kChunk);
    if (count < 0) {
      return ReadError(path, file.get());
    }
    content.resize(size + count);
    if (content.size() > max_bytes) {
      return absl::OutOfRangeError(
          absl::StrCat(path, " holds more than ", max_bytes, " bytes of data"));
    }
    if (static_cast<size_t>(count) < kChunk) {
      break;
    }
  }
  // gzread ends a truncated stream like a complete one, but for this.
  int code = Z_OK;
  gzerror(file.get(), &code);
  if (code != Z_OK) {
    return ReadError(path, file.get());
  }
  return content;
}

}  // namespace lehr
