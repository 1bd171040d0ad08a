#include "server/report_assembler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/core/fine_losses.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::Report Piece(int64_t step, std::vector<float> losses, bool more = false) {
  v1::Report piece;
  piece.set_step(step);
  piece.mutable_losses()->Add(losses.begin(), losses.end());
  piece.set_more(more);
  return piece;
}

StepReport Complete(ReportAssembler& assembler, const v1::Report& piece) {
  absl::StatusOr<std::optional<StepReport>> report = assembler.Add(piece);
  EXPECT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->has_value());
  return **std::move(report);
}

TEST(ReportAssembler, OnePieceMayBeTheWholeReport) {
  ReportAssembler assembler(/*loss_offset=*/0);
  const StepReport report = Complete(assembler, Piece(7, {1, 2}));
  EXPECT_EQ(report.step, 7);
  EXPECT_EQ(report.losses.count(), 2u);
}

TEST(ReportAssembler, TheDigestOfTheParametersComesWithTheLastPiece) {
  ReportAssembler assembler(/*loss_offset=*/0);
  EXPECT_FALSE(assembler.Add(Piece(7, {1}, /*more=*/true))->has_value());
  v1::Report last = Piece(7, {2});
  last.set_parameter_digest(0);
  EXPECT_EQ(Complete(assembler, last).parameter_digest, 0u);
}

TEST(ReportAssembler, PiecesGiveWhatTheWholeGives) {
  ReportAssembler assembler(/*loss_offset=*/0);
  EXPECT_FALSE(assembler.Add(Piece(7, {0.1f, 2}, /*more=*/true))->has_value());
  EXPECT_FALSE(assembler.Add(Piece(7, {}, /*more=*/true))->has_value());
  const StepReport pieces = Complete(assembler, Piece(7, {3}));
  const StepReport whole = Complete(assembler, Piece(7, {3, 2, 0.1f}));
  EXPECT_EQ(pieces.losses, whole.losses);
  EXPECT_EQ(pieces.digest, whole.digest);
  EXPECT_EQ(whole.parameter_digest, std::nullopt);
}

TEST(ReportAssembler, OtherLossesHaveAnotherDigest) {
  ReportAssembler assembler(/*loss_offset=*/0);
  EXPECT_NE(Complete(assembler, Piece(7, {3, 2})).digest,
            Complete(assembler, Piece(7, {3, 1})).digest);
}

TEST(ReportAssembler, AnEmptyReportIsOne) {
  ReportAssembler assembler(/*loss_offset=*/0);
  const StepReport report = Complete(assembler, Piece(0, {}));
  EXPECT_EQ(report.losses.count(), 0u);
  EXPECT_NE(report.digest, 0u);
}

TEST(ReportAssembler, TheOffsetMakesNegativeLossesUsable) {
  ReportAssembler assembler(/*loss_offset=*/2);
  const StepReport report = Complete(assembler, Piece(0, {-1, -3}));
  EXPECT_EQ(report.losses.count(), 1u);
  EXPECT_EQ(report.losses.excluded().negative, 1u);
  EXPECT_EQ(report.top.max(), 1);
}

// 14 different losses, then 8 twice again: 24 of 1 + ... + 14 + 16 = 121.
constexpr double kShareThatTies = 24.0 / 121;
std::vector<float> LossesOfWhichEightsTie() {
  return Fine({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 8, 8});
}

TEST(ReportAssembler, LossesTieAcrossThePiecesOfAStepOnly) {
  const std::vector<float> losses = LossesOfWhichEightsTie();
  ReportAssembler assembler(/*loss_offset=*/0);
  for (int64_t step = 0; step < 2; ++step) {
    for (size_t i = 0; i + 1 < losses.size(); ++i) {
      ASSERT_FALSE(assembler.Add(Piece(step, {losses[i]}, /*more=*/true))->has_value());
    }
    EXPECT_EQ(Complete(assembler, Piece(step, {losses.back()})).tied.share(), kShareThatTies)
        << step;
  }
  EXPECT_EQ(Complete(assembler, Piece(2, losses)).tied.share(), kShareThatTies);
  EXPECT_EQ(Complete(assembler, Piece(3, {1, 1})).tied.share(), std::nullopt);
}

TEST(ReportAssembler, TheOffsetCountsInTheLossesThatTie) {
  // Each is 1 less than it counts.
  std::vector<float> losses = LossesOfWhichEightsTie();
  for (float& loss : losses) {
    loss -= 1;
  }
  ReportAssembler assembler(/*loss_offset=*/1);
  EXPECT_EQ(Complete(assembler, Piece(0, losses)).tied.share(), kShareThatTies);
}

TEST(ReportAssembler, RefusesAPieceOfAnotherStepAndForgetsBoth) {
  ReportAssembler assembler(/*loss_offset=*/0);
  ASSERT_TRUE(assembler.Add(Piece(7, {1}, /*more=*/true)).ok());
  EXPECT_THAT(std::string(assembler.Add(Piece(8, {1})).status().message()),
              HasSubstr("step 8 comes before the last piece of step 7"));
  EXPECT_EQ(Complete(assembler, Piece(8, {1})).losses.count(), 1u);
}

TEST(ReportAssembler, RefusesTooManyLossesInAPiece) {
  ReportAssembler assembler(/*loss_offset=*/0);
  EXPECT_TRUE(assembler.Add(Piece(0, std::vector<float>(kMaxPieceLosses, 1))).ok());
  EXPECT_THAT(
      std::string(
          assembler.Add(Piece(1, std::vector<float>(kMaxPieceLosses + 1, 1))).status().message()),
      HasSubstr("1048577 losses in one piece"));
}

TEST(ReportAssembler, RefusesTooManyLossesInAStep) {
  ReportAssembler assembler(/*loss_offset=*/0);
  const v1::Report piece = Piece(0, std::vector<float>(kMaxPieceLosses, 1), /*more=*/true);
  for (int sent = 0; sent < 16; ++sent) {
    ASSERT_TRUE(assembler.Add(piece).ok());
  }
  EXPECT_THAT(std::string(assembler.Add(Piece(0, {1})).status().message()),
              HasSubstr("16777217 losses"));
}

// --- Scope dataset. ---

v1::Report WithIds(v1::Report piece, std::vector<uint64_t> ids) {
  piece.mutable_example_ids()->Add(ids.begin(), ids.end());
  return piece;
}

TEST(ReportAssembler, ScopeDatasetKeepsEachLossWithItsExample) {
  ReportAssembler assembler(/*loss_offset=*/0.5f, LossScope::kDataset);
  ASSERT_FALSE(assembler.Add(WithIds(Piece(7, {1, -2}, /*more=*/true), {8, 9}))->has_value());
  const StepReport report = Complete(assembler, WithIds(Piece(7, {3}), {8}));
  EXPECT_THAT(report.examples,
              ElementsAre(ExampleLoss{8, 1.5f}, ExampleLoss{9, -1.5f}, ExampleLoss{8, 3.5f}));
}

TEST(ReportAssembler, LossesTieInScopeDatasetToo) {
  ReportAssembler assembler(/*loss_offset=*/0, LossScope::kDataset);
  const v1::Report piece = WithIds(Piece(7, LossesOfWhichEightsTie()),
                                   {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
  EXPECT_EQ(Complete(assembler, piece).tied.share(), kShareThatTies);
}

TEST(ReportAssembler, InScopeDatasetTheDigestIsOfLossesAndExamples) {
  ReportAssembler assembler(/*loss_offset=*/0, LossScope::kDataset);
  const auto digest = [&](std::vector<float> losses, std::vector<uint64_t> ids) {
    return Complete(assembler, WithIds(Piece(7, std::move(losses)), std::move(ids))).digest;
  };
  EXPECT_EQ(digest({1, 2}, {8, 9}), digest({2, 1}, {9, 8}));
  EXPECT_NE(digest({1, 2}, {8, 9}), digest({1, 2}, {9, 8}));
  EXPECT_NE(digest({1, 2}, {8, 9}), digest({1, 3}, {8, 9}));
  EXPECT_NE(digest({}, {}), 0u);
}

TEST(ReportAssembler, ScopeDatasetNeedsExampleIds) {
  ReportAssembler assembler(/*loss_offset=*/0, LossScope::kDataset);
  EXPECT_THAT(std::string(assembler.Add(Piece(7, {1, 2})).status().message()),
              HasSubstr("step 7 comes with 2 losses and no example ids"));
}

TEST(ReportAssembler, ScopeDatasetRefusesMoreLossesThanItHolds) {
  ReportAssembler assembler(/*loss_offset=*/0, LossScope::kDataset);
  const v1::Report piece = WithIds(Piece(0, std::vector<float>(kMaxPieceLosses, 1), /*more=*/true),
                                   std::vector<uint64_t>(kMaxPieceLosses, 5));
  for (int sent = 0; sent < 4; ++sent) {
    ASSERT_TRUE(assembler.Add(piece).ok());
  }
  EXPECT_THAT(std::string(assembler.Add(WithIds(Piece(0, {1}), {5})).status().message()),
              HasSubstr("step 0 has 4194305 losses; at most 4194304"));
  EXPECT_EQ(Complete(assembler, WithIds(Piece(1, {1}), {5})).examples.size(), 1u);
}

}  // namespace
}  // namespace lehr
