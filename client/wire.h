// Between the contract's messages and the client's own values.
//
// Threading: pure. What comes from a supervisor is not trusted: an unknown action or enum value
// makes a command unusable, never a guess.
#ifndef LEHR_CLIENT_WIRE_H_
#define LEHR_CLIENT_WIRE_H_

#include <cstddef>
#include <optional>

#include "client/core/session.h"
#include "lehr/v1/decision.pb.h"
#include "lehr/v1/supervisor.pb.h"

namespace lehr {

// Losses in one message. A step in pieces of 1 MB takes half the time of one big message.
inline constexpr size_t kPieceLosses = size_t{1} << 18;

HeldDecision ToHeldDecision(const v1::Decision& decision);

WelcomeFacts ToWelcomeFacts(const v1::Welcome& welcome);

// Adds what the session knows.
void AddJoinFacts(const JoinFacts& facts, v1::Join& join);

// The piece of the report that begins with loss `first`, into `piece`, whose memory is reused.
// Returns where the next piece begins; report.losses.size() or more: there is none.
size_t FillPiece(const RankReport& report, size_t first, v1::Report& piece);

void SetDuration(absl::Duration duration, google::protobuf::Duration& message);

v1::SuperviseRequest ToRequest(const DeclaredPause& pause, absl::Time now);

v1::SuperviseRequest LeaveRequest(bool completed, const std::optional<CommandOutcome>& outcome);

}  // namespace lehr

#endif  // LEHR_CLIENT_WIRE_H_
