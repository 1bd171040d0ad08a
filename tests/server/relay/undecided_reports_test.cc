#include "server/relay/undecided_reports.h"

#include <gtest/gtest.h>

namespace lehr {
namespace {

// Pieces that can be told apart.
std::vector<v1::NodeReport> Pieces(uint32_t rank, int64_t step, int number = 1) {
  std::vector<v1::NodeReport> pieces(number);
  for (v1::NodeReport& piece : pieces) {
    piece.set_step(step);
    piece.add_losses(static_cast<float>(rank));
  }
  return pieces;
}

TEST(UndecidedReports, GiveTheOwnReportOfARankWhoseSumWasRefusedOnce) {
  UndecidedReports reports;
  reports.Keep(4, 10, Pieces(4, 10, /*number=*/2));
  reports.Keep(5, 10, Pieces(5, 10));
  reports.SentInSum(4, 10);
  reports.SentInSum(5, 10);
  const std::vector<v1::NodeReport> alone = reports.TakeRefused(4, 10);
  ASSERT_EQ(alone.size(), 2u);
  EXPECT_EQ(alone[0].losses(0), 4);
  EXPECT_TRUE(reports.TakeRefused(4, 10).empty());
  EXPECT_EQ(reports.TakeRefused(5, 10).size(), 1u);
}

TEST(UndecidedReports, LeaveARefusalToTheRankThatHasReportedAlone) {
  UndecidedReports reports;
  reports.Keep(4, 10, Pieces(4, 10));
  EXPECT_TRUE(reports.TakeRefused(4, 10).empty());
  EXPECT_TRUE(reports.TakeRefused(5, 10).empty());
  EXPECT_TRUE(reports.TakeRefused(4, 11).empty());
}

TEST(UndecidedReports, KeepTheFirstReportOfAStep) {
  UndecidedReports reports;
  reports.Keep(4, 10, Pieces(4, 10));
  reports.Keep(4, 10, Pieces(6, 10));
  reports.SentInSum(4, 10);
  EXPECT_EQ(reports.TakeRefused(4, 10).at(0).losses(0), 4);
}

TEST(UndecidedReports, AreForgottenWithTheDecision) {
  UndecidedReports reports;
  for (int64_t step : {10, 11, 12}) {
    reports.Keep(4, step, Pieces(4, step));
    reports.SentInSum(4, step);
  }
  reports.Decided(11);
  EXPECT_TRUE(reports.TakeRefused(4, 10).empty());
  EXPECT_TRUE(reports.TakeRefused(4, 11).empty());
  EXPECT_EQ(reports.TakeRefused(4, 12).size(), 1u);
}

TEST(UndecidedReports, OfTooManyBytesTheOldestStepsAreForgotten) {
  const size_t bytes = Pieces(4, 10).front().ByteSizeLong();
  UndecidedReports reports(/*max_bytes=*/3 * bytes);
  for (int64_t step : {10, 11, 12, 13}) {
    reports.Keep(4, step, Pieces(4, step));
    reports.SentInSum(4, step);
  }
  EXPECT_TRUE(reports.TakeRefused(4, 10).empty());
  EXPECT_EQ(reports.TakeRefused(4, 11).size(), 1u);
  // What was taken makes room.
  reports.Keep(4, 14, Pieces(4, 14));
  reports.SentInSum(4, 12);
  EXPECT_EQ(reports.TakeRefused(4, 12).size(), 1u);
  // One that is too big alone is not kept at all.
  reports.Keep(4, 15, Pieces(4, 15, /*number=*/4));
  reports.SentInSum(4, 15);
  EXPECT_TRUE(reports.TakeRefused(4, 15).empty());
  reports.Decided(20);
}

}  // namespace
}  // namespace lehr
