// The limit on open files, each connection being one: lehrd takes as many as it may have.
#ifndef LEHR_SERVER_FILE_LIMIT_H_
#define LEHR_SERVER_FILE_LIMIT_H_

#include <cstdint>

#include "absl/status/statusor.h"

namespace lehr {

// Raises the soft limit to the hard one. Returns how many files may be open now.
absl::StatusOr<std::uint64_t> RaiseFileLimit();

}  // namespace lehr

#endif  // LEHR_SERVER_FILE_LIMIT_H_
