#include "server/run_memory_codec.h"

#include <utility>

#include "server/journal/journal.pb.h"

namespace lehr {
namespace {

void Encode(const GuardState& guards, journal::v1::RunMemory& proto) {
  proto.mutable_acted()->Add(guards.acted.begin(), guards.acted.end());
  proto.set_greatest_mean(guards.greatest_mean);
  proto.set_has_acted(guards.has_acted);
  proto.set_breaker_open(guards.breaker_open);
  proto.set_breaker_mean(guards.breaker_mean);
}

GuardState DecodeGuards(const journal::v1::RunMemory& proto) {
  GuardState guards;
  guards.acted.assign(proto.acted().begin(), proto.acted().end());
  guards.greatest_mean = proto.greatest_mean();
  guards.has_acted = proto.has_acted();
  guards.breaker_open = proto.breaker_open();
  guards.breaker_mean = proto.breaker_mean();
  return guards;
}

void Encode(const KeptState& kept, journal::v1::KeptState& proto) {
  proto.set_snapshot(kept.snapshot);
  proto.set_mean_loss(kept.mean_loss);
}

KeptState Decode(const journal::v1::KeptState& proto) {
  return {.snapshot = proto.snapshot(), .mean_loss = proto.mean_loss()};
}

void Encode(const ReheatState& state, journal::v1::ReheatState& proto) {
  proto.set_pass_losses(state.pass_losses);
  proto.set_pass_steps(state.pass_steps);
  if (state.first_mean) {
    proto.set_first_mean(*state.first_mean);
  }
  proto.set_pass_tied(state.pass_tied);
  proto.set_pass_tied_steps(state.pass_tied_steps);
  if (state.tied) {
    proto.set_tied(*state.tied);
  }
  proto.set_age(state.age);
  proto.set_best(state.best);
  proto.set_mark(state.mark);
  proto.set_since_mark(state.since_mark);
  proto.set_far_above(state.far_above);
  proto.set_bound(state.bound);
  proto.set_window_stride(state.window.stride);
  for (const LossBlock& block : state.window.blocks) {
    proto.add_block_count(block.count);
    proto.add_block_least(block.least);
    proto.add_block_greatest(block.greatest);
    proto.add_block_mean(block.mean);
  }
  Encode(state.kept, *proto.mutable_kept());
  Encode(state.incumbent, *proto.mutable_incumbent());
  proto.set_rung(state.rung);
  proto.set_stalls(state.stalls);
  proto.set_in_last_phase(state.in_last_phase);
  proto.set_learning_rate(state.learning_rate);
  if (state.pending) {
    journal::v1::PendingCommand& pending = *proto.mutable_pending();
    pending.set_kind(static_cast<uint32_t>(state.pending->kind));
    pending.set_step(state.pending->step);
    pending.set_apply_step(state.pending->apply_step);
    Encode(state.pending->kept, *pending.mutable_kept());
    pending.set_rung(state.pending->rung);
    pending.set_learning_rate(state.pending->learning_rate);
  }
}

absl::StatusOr<LossWindow> DecodeWindow(const journal::v1::ReheatState& proto) {
  const int blocks = proto.block_count_size();
  if (blocks > static_cast<int>(LossWindow::kMaxBlocks) || proto.block_least_size() != blocks ||
      proto.block_greatest_size() != blocks || proto.block_mean_size() != blocks) {
    return absl::DataLossError("a decision's loss window in the journal does not fit");
  }
  LossWindow window;
  window.stride = proto.window_stride();
  for (int i = 0; i < blocks; ++i) {
    window.blocks.push_back({.count = proto.block_count(i),
                             .least = proto.block_least(i),
                             .greatest = proto.block_greatest(i),
                             .mean = proto.block_mean(i)});
    window.length += proto.block_count(i);
  }
  return window;
}

absl::StatusOr<ReheatState> Decode(const journal::v1::ReheatState& proto) {
  absl::StatusOr<LossWindow> window = DecodeWindow(proto);
  if (!window.ok()) {
    return window.status();
  }
  ReheatState state;
  state.pass_losses = proto.pass_losses();
  state.pass_steps = proto.pass_steps();
  if (proto.has_first_mean()) {
    state.first_mean = proto.first_mean();
  }
  state.pass_tied = proto.pass_tied();
  state.pass_tied_steps = proto.pass_tied_steps();
  if (proto.has_tied()) {
    state.tied = proto.tied();
  }
  state.age = proto.age();
  state.best = proto.best();
  state.mark = proto.mark();
  state.since_mark = proto.since_mark();
  state.far_above = proto.far_above();
  state.bound = proto.bound();
  state.window = *std::move(window);
  state.kept = Decode(proto.kept());
  state.incumbent = Decode(proto.incumbent());
  state.rung = proto.rung();
  state.stalls = proto.stalls();
  state.in_last_phase = proto.in_last_phase();
  state.learning_rate = proto.learning_rate();
  if (proto.has_pending()) {
    const journal::v1::PendingCommand& pending = proto.pending();
    state.pending = {.kind = static_cast<PendingCommand::Kind>(pending.kind()),
                     .step = pending.step(),
                     .apply_step = pending.apply_step(),
                     .kept = Decode(pending.kept()),
                     .rung = pending.rung(),
                     .learning_rate = pending.learning_rate()};
  }
  return state;
}

}  // namespace

std::string EncodeRunMemory(const RunMemory& memory) {
  journal::v1::RunMemory proto;
  Encode(memory.guards, proto);
  if (const auto* reheat = std::get_if<ReheatState>(&memory.policy)) {
    Encode(*reheat, *proto.mutable_reheat());
  }
  return proto.SerializeAsString();
}

absl::StatusOr<RunMemory> DecodeRunMemory(std::string_view bytes) {
  journal::v1::RunMemory proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError("a decision's memory in the journal cannot be parsed");
  }
  RunMemory memory = {.guards = DecodeGuards(proto)};
  if (proto.has_reheat()) {
    absl::StatusOr<ReheatState> reheat = Decode(proto.reheat());
    if (!reheat.ok()) {
      return reheat.status();
    }
    memory.policy = *std::move(reheat);
  }
  return memory;
}

}  // namespace lehr
