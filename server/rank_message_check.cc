#include "server/rank_message_check.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/core/generation.h"
#include "server/field_error.h"
#include "server/wire.h"

namespace lehr {
namespace {

constexpr size_t kMaxPauseReason = 64;
constexpr absl::Duration kLongestPause = absl::Hours(24);
constexpr size_t kMaxOutcomeDetail = 256;

}  // namespace

absl::Status CheckPause(const v1::Pause& pause) {
  if (absl::Status status = CheckBytes("a pause's reason", pause.reason(), 0, kMaxPauseReason);
      !status.ok()) {
    return status;
  }
  const absl::Duration at_most = DurationFromProto(pause.at_most());
  if (at_most <= absl::ZeroDuration() || at_most > kLongestPause) {
    return OutOfBounds("a pause's at_most", absl::FormatDuration(at_most), "> 0 and at most 24h");
  }
  return absl::OkStatus();
}

absl::Status CheckOutcome(const v1::CommandOutcome& outcome) {
  if (outcome.step() < 0 || outcome.step() >= kMaxStep) {
    return OutOfBounds("an outcome's step", outcome.step(), "in [0, 2^62)");
  }
  if (outcome.result() == v1::CommandOutcome::RESULT_UNSPECIFIED ||
      !v1::CommandOutcome::Result_IsValid(outcome.result())) {
    return OutOfBounds("an outcome's result", static_cast<int>(outcome.result()),
                       "one that supervisor.proto names");
  }
  if (outcome.unchanged() > outcome.perturbed()) {
    return OutOfBounds("an outcome's unchanged", outcome.unchanged(),
                       absl::StrCat("at most its perturbed, ", outcome.perturbed()));
  }
  return CheckBytes("an outcome's detail", outcome.detail(), 0, kMaxOutcomeDetail);
}

absl::Status CheckLeave(const v1::Leave& leave) {
  return leave.has_outcome() ? CheckOutcome(leave.outcome()) : absl::OkStatus();
}

}  // namespace lehr
