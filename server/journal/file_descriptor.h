// A POSIX file descriptor that closes itself.
#ifndef LEHR_SERVER_JOURNAL_FILE_DESCRIPTOR_H_
#define LEHR_SERVER_JOURNAL_FILE_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace lehr {

class FileDescriptor {
 public:
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~FileDescriptor() {
    if (valid()) {
      close(descriptor_);
    }
  }

  // Whether open() gave one.
  bool valid() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_JOURNAL_FILE_DESCRIPTOR_H_
