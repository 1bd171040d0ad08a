#include "server/journal/durable_mark.h"

#include <fcntl.h>
#include <zlib.h>

#include <cerrno>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace lehr {
namespace {

// The number and its CRC-32, of a length that does not depend on the number.
std::string Encode(uint64_t sequence) {
  const std::string number = absl::StrFormat("%020d", sequence);
  const unsigned long crc =
      crc32_z(0, reinterpret_cast<const Bytef*>(number.data()), number.size());
  return absl::StrFormat("%s %08x\n", number, crc);
}

}  // namespace

absl::StatusOr<std::optional<uint64_t>> DurableMark::Read(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    if (errno == ENOENT) {
      return std::nullopt;
    }
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  }
  // One byte more than a mark has shows a file that is too long.
  std::string text(Encode(0).size() + 1, '\0');
  const ssize_t size = pread(file.get(), text.data(), text.size(), /*offset=*/0);
  if (size < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path));
  }
  if (size == 0) {
    return std::nullopt;
  }
  text.resize(size);
  uint64_t sequence = 0;
  if (!absl::SimpleAtoi(text.substr(0, text.find(' ')), &sequence) || Encode(sequence) != text) {
    return absl::DataLossError(absl::StrCat(path, ": not a number with its checksum"));
  }
  return sequence;
}

absl::StatusOr<DurableMark> DurableMark::Open(const std::string& path, uint64_t sequence) {
  FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  }
  DurableMark mark(path, std::move(file));
  if (absl::Status status = mark.Write(sequence); !status.ok()) {
    return status;
  }
  if (fsync(mark.file_.get()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot sync ", path));
  }
  return mark;
}

absl::Status DurableMark::Write(uint64_t sequence) {
  const std::string text = Encode(sequence);
  const ssize_t size = pwrite(file_.get(), text.data(), text.size(), /*offset=*/0);
  if (size != static_cast<ssize_t>(text.size())) {
    return absl::ErrnoToStatus(size < 0 ? errno : ENOSPC, absl::StrCat("cannot write ", path_));
  }
  return absl::OkStatus();
}

}  // namespace lehr
