#include "server/outbox.h"

#include <gtest/gtest.h>

namespace lehr {
namespace {

using Numbers = Outbox<int>;

TEST(Outbox, GivesWhatWasSentInOrderThenTheEnd) {
  Numbers outbox(OutboxOverflow::kClose);
  outbox.Send(1);
  outbox.Send(2);
  outbox.Close(absl::AbortedError("over"));
  outbox.Send(3);
  EXPECT_EQ(std::get<int>(outbox.Take()), 1);
  EXPECT_EQ(std::get<int>(outbox.Take()), 2);
  EXPECT_EQ(std::get<absl::Status>(outbox.Take()), absl::AbortedError("over"));
}

TEST(Outbox, IsEmptyUntilSomethingComes) {
  Numbers outbox(OutboxOverflow::kClose);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(outbox.Take()));
}

TEST(Outbox, TheFirstCloseCounts) {
  Numbers outbox(OutboxOverflow::kClose);
  outbox.Close(absl::AbortedError("first"));
  outbox.Close(absl::OkStatus());
  EXPECT_EQ(std::get<absl::Status>(outbox.Take()), absl::AbortedError("first"));
}

TEST(Outbox, WakesItsReaderAtEachChange) {
  Numbers outbox(OutboxOverflow::kClose);
  int wakes = 0;
  outbox.OnChange([&] { ++wakes; });
  outbox.Send(1);
  outbox.Close(absl::OkStatus());
  outbox.Close(absl::OkStatus());
  EXPECT_EQ(wakes, 2);
  outbox.OnChange(nullptr);
  outbox.Send(2);
  EXPECT_EQ(wakes, 2);
}

// A rank that misses a decision without knowing it would be harmed.
TEST(Outbox, AFullOneEndsTheStreamOfARank) {
  Numbers outbox(OutboxOverflow::kClose);
  for (size_t sent = 0; sent <= kOutboxCapacity + 5; ++sent) {
    outbox.Send(static_cast<int>(sent));
  }
  for (size_t taken = 0; taken <= kOutboxCapacity; ++taken) {
    EXPECT_EQ(std::get<int>(outbox.Take()), static_cast<int>(taken));
  }
  EXPECT_EQ(std::get<absl::Status>(outbox.Take()).code(), absl::StatusCode::kResourceExhausted);
}

TEST(Outbox, ItsOwnerMaySayHowMuchItHolds) {
  Numbers outbox(OutboxOverflow::kDropOldest, /*capacity=*/1);
  outbox.Send(1);
  outbox.Send(2);
  EXPECT_EQ(std::get<int>(outbox.Take()), 2);
}

TEST(Outbox, AFullOneKeepsTheNewestForAWatcher) {
  Numbers outbox(OutboxOverflow::kDropOldest);
  for (size_t sent = 0; sent < kOutboxCapacity + 5; ++sent) {
    outbox.Send(static_cast<int>(sent));
  }
  EXPECT_EQ(std::get<int>(outbox.Take()), 5);
}

}  // namespace
}  // namespace lehr
