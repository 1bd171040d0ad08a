#include "client/outgoing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/wire.h"

namespace lehr {
namespace {

std::shared_ptr<const RankReport> Report(int64_t step, size_t losses) {
  return std::make_shared<RankReport>(
      RankReport{.step = step, .losses = std::vector<float>(losses, 1)});
}

v1::SuperviseRequest Checkpointed(int64_t step) {
  v1::SuperviseRequest request;
  request.mutable_checkpointed()->set_step(step);
  return request;
}

TEST(Outgoing, KeepsTheOrderAndThePiecesOfAReportTogether) {
  Outgoing outgoing;
  outgoing.Push(Report(1, kPieceLosses + 1));
  outgoing.Push(Checkpointed(1));
  outgoing.Push(Report(2, 3));
  const v1::Report first = outgoing.Take().report();
  EXPECT_EQ(first.step(), 1);
  EXPECT_TRUE(first.more());
  EXPECT_EQ(first.losses_size(), kPieceLosses);
  const v1::Report second = outgoing.Take().report();
  EXPECT_EQ(second.step(), 1);
  EXPECT_FALSE(second.more());
  EXPECT_EQ(second.losses_size(), 1);
  EXPECT_EQ(outgoing.Take().checkpointed().step(), 1);
  EXPECT_EQ(outgoing.Take().report().losses_size(), 3);
  EXPECT_TRUE(outgoing.empty());
}

TEST(Outgoing, AReportWithoutLossesIsOnePiece) {
  Outgoing outgoing;
  outgoing.Push(Report(1, 0));
  EXPECT_FALSE(outgoing.Take().report().more());
  EXPECT_TRUE(outgoing.empty());
}

TEST(Outgoing, AReportOfWholePiecesHasNoEmptyOne) {
  Outgoing outgoing;
  outgoing.Push(Report(1, kPieceLosses));
  EXPECT_FALSE(outgoing.Take().report().more());
  EXPECT_TRUE(outgoing.empty());
}

TEST(Outgoing, AClearedReportDoesNotCutTheNext) {
  Outgoing outgoing;
  outgoing.Push(Report(1, kPieceLosses + 1));
  outgoing.Take();
  outgoing.Clear();
  EXPECT_TRUE(outgoing.empty());
  outgoing.Push(Report(2, 3));
  EXPECT_EQ(outgoing.Take().report().losses_size(), 3);
}

TEST(Outgoing, IsBounded) {
  Outgoing outgoing;
  for (size_t i = 0; i < kMaxOutgoing; ++i) {
    EXPECT_TRUE(outgoing.Push(Checkpointed(1)));
  }
  EXPECT_FALSE(outgoing.Push(Checkpointed(1)));
  EXPECT_FALSE(outgoing.Push(Report(1, 0)));
}

}  // namespace
}  // namespace lehr
