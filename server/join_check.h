// The bounds of what a rank says when it joins, and of a run's id.
#ifndef LEHR_SERVER_JOIN_CHECK_H_
#define LEHR_SERVER_JOIN_CHECK_H_

#include <string_view>

#include "absl/status/status.h"
#include "lehr/v1/supervisor.pb.h"

namespace lehr {

// 1 to 128 characters of A-Z a-z 0-9 . _ -, the first a letter or digit.
absl::Status CheckRunId(std::string_view run_id);

// Every bound of supervisor.proto that can be checked on the message alone. INVALID_ARGUMENT with
// the field and its value.
absl::Status CheckJoin(const v1::Join& join);

}  // namespace lehr

#endif  // LEHR_SERVER_JOIN_CHECK_H_
