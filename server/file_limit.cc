#include "server/file_limit.h"

#include <sys/resource.h>

#include <cerrno>

namespace lehr {

absl::StatusOr<std::uint64_t> RaiseFileLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return absl::ErrnoToStatus(errno, "the limit on open files cannot be read");
  }
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return absl::ErrnoToStatus(errno, "the limit on open files cannot be raised");
  }
  return limit.rlim_cur;
}

}  // namespace lehr
