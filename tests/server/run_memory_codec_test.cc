#include "server/run_memory_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/journal/journal.pb.h"

namespace lehr {
namespace {

ReheatState WithEveryFieldSet() {
  ReheatState state;
  state.pass_losses = 7;
  state.pass_steps = 2;
  state.pass_tied = 0.3;
  state.pass_tied_steps = 1;
  state.tied = 0.2;
  state.first_mean = 2.3;
  state.age = 300;
  state.best = 0.7;
  state.mark = 0.71;
  state.since_mark = 4;
  state.far_above = 1;
  for (int i = 0; i < 300; ++i) {
    state.window.Add(1.0 / (1 + i), /*window=*/300);
  }
  state.kept = {.snapshot = 2, .mean_loss = 0.7};
  state.incumbent = {.snapshot = 1, .mean_loss = 0.9};
  state.rung = 5;
  state.stalls = 7;
  state.bound = 3;
  state.in_last_phase = true;
  state.learning_rate = 0.5F;
  state.pending = {.kind = PendingCommand::Kind::kReheat,
                   .step = 41,
                   .apply_step = 43,
                   .kept = {.snapshot = 1, .mean_loss = 0.6},
                   .rung = 6,
                   .learning_rate = 0.1F};
  return state;
}

TEST(RunMemoryCodec, BringsBackWhatWasKept) {
  RunMemory memory;
  memory.guards.acted = {3, 9};
  memory.guards.greatest_mean = 4;
  memory.guards.has_acted = true;
  memory.guards.breaker_open = true;
  memory.guards.breaker_mean = 5;
  memory.policy = WithEveryFieldSet();
  const absl::StatusOr<RunMemory> decoded = DecodeRunMemory(EncodeRunMemory(memory));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, memory);
}

TEST(RunMemoryCodec, AFreshStateComesBackToo) {
  const RunMemory memory = {.policy = ReheatState()};
  EXPECT_EQ(*DecodeRunMemory(EncodeRunMemory(memory)), memory);
  EXPECT_EQ(*DecodeRunMemory(EncodeRunMemory(RunMemory())), RunMemory());
}

TEST(RunMemoryCodec, AFullStateIsSmall) {
  EXPECT_LE(EncodeRunMemory({.policy = WithEveryFieldSet()}).size(), 600u);
}

TEST(RunMemoryCodec, WhatIsNoMemoryIsDataLoss) {
  EXPECT_EQ(DecodeRunMemory("\xff\xff").status().code(), absl::StatusCode::kDataLoss);
  journal::v1::RunMemory uneven;
  uneven.mutable_reheat()->add_block_mean(1);
  EXPECT_EQ(DecodeRunMemory(uneven.SerializeAsString()).status().code(),
            absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace lehr
