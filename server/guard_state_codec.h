// The guards' state as the bytes that the journal keeps with each decision.
#ifndef LEHR_SERVER_GUARD_STATE_CODEC_H_
#define LEHR_SERVER_GUARD_STATE_CODEC_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/core/guards.h"

namespace lehr {

std::string EncodeGuardState(const GuardState& state);
// DATA_LOSS if the bytes are not such a state.
absl::StatusOr<GuardState> DecodeGuardState(std::string_view bytes);

}  // namespace lehr

#endif  // LEHR_SERVER_GUARD_STATE_CODEC_H_
