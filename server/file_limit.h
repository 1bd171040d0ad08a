// The limit on open files. gRPC's listener stays dead after the process has once run out of file
// descriptors (CVE-2023-4785), so lehrd takes as many as it may have.
#ifndef LEHR_SERVER_FILE_LIMIT_H_
#define LEHR_SERVER_FILE_LIMIT_H_

#include <cstdint>

#include "absl/status/statusor.h"

namespace lehr {

// Raises the soft limit to the hard one. Returns how many files may be open now.
absl::StatusOr<std::uint64_t> RaiseFileLimit();

}  // namespace lehr

#endif  // LEHR_SERVER_FILE_LIMIT_H_
