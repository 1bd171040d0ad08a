// The bounds of what a rank says after it has joined, its losses excepted (report_assembler.h).
#ifndef LEHR_SERVER_RANK_MESSAGE_CHECK_H_
#define LEHR_SERVER_RANK_MESSAGE_CHECK_H_

#include "absl/status/status.h"
#include "lehr/v1/supervisor.pb.h"

namespace lehr {

// Every bound of supervisor.proto that can be checked on the message alone. INVALID_ARGUMENT with
// the field and its value.
absl::Status CheckPause(const v1::Pause& pause);
absl::Status CheckOutcome(const v1::CommandOutcome& outcome);
absl::Status CheckLeave(const v1::Leave& leave);

}  // namespace lehr

#endif  // LEHR_SERVER_RANK_MESSAGE_CHECK_H_
