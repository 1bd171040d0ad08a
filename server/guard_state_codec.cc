#include "server/guard_state_codec.h"

#include "server/journal/journal.pb.h"

namespace lehr {

std::string EncodeGuardState(const GuardState& state) {
  journal::v1::GuardState proto;
  proto.mutable_acted()->Add(state.acted.begin(), state.acted.end());
  proto.set_greatest_mean(state.greatest_mean);
  proto.set_has_acted(state.has_acted);
  proto.set_breaker_open(state.breaker_open);
  proto.set_breaker_mean(state.breaker_mean);
  return proto.SerializeAsString();
}

absl::StatusOr<GuardState> DecodeGuardState(std::string_view bytes) {
  journal::v1::GuardState proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError("a decision's guard state in the journal cannot be parsed");
  }
  GuardState state;
  state.acted.assign(proto.acted().begin(), proto.acted().end());
  state.greatest_mean = proto.greatest_mean();
  state.has_acted = proto.has_acted();
  state.breaker_open = proto.breaker_open();
  state.breaker_mean = proto.breaker_mean();
  return state;
}

}  // namespace lehr
