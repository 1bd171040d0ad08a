// The contract's messages to the core's values and back. What comes from a peer is checked here,
// field by field; each error names the field and its value.
#ifndef LEHR_SERVER_WIRE_H_
#define LEHR_SERVER_WIRE_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "lehr/v1/decision.pb.h"
#include "lehr/v1/supervisor.pb.h"
#include "server/core/generation.h"

namespace lehr {

// The version of the noise contract that this supervisor commands (proto/lehr/v1/NOISE.md).
inline constexpr std::string_view kCommandedNoiseSpec = "philox4x32-10/box-muller-f32/v1";

// Infinite where seconds and nanoseconds are more than a Duration holds.
absl::Duration DurationFromProto(const google::protobuf::Duration& duration);
google::protobuf::Timestamp ToTimestamp(absl::Time time);
absl::StatusOr<Policy> PolicyFromProto(const v1::Policy& policy);
absl::StatusOr<Guards> GuardsFromProto(const v1::Guards& guards);
// With defaults filled in.
absl::StatusOr<RunSettings> SettingsFromProto(const v1::RunSettings& settings, uint32_t world_size);
// For a decision that a rank or the journal kept.
absl::StatusOr<StepDecision> DecisionFromProto(const v1::Decision& decision);

v1::Policy ToProto(const Policy& policy);
v1::Guards ToProto(const Guards& guards);
v1::RunSettings ToProto(const RunSettings& settings);
// Without what is set when sent: epoch and durable_through.
v1::Decision ToProto(const StepDecision& decision);

}  // namespace lehr

#endif  // LEHR_SERVER_WIRE_H_
