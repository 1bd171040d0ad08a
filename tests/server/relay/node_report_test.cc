#include "server/node_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "server/report_assembler.h"
#include "tests/server/core/fine_losses.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

v1::NodeReport ReportOf(std::vector<uint32_t> ranks) {
  NodeStep step;
  step.sum.step = 7;
  for (const uint32_t rank : ranks) {
    v1::MemberReport& member = step.members.emplace_back();
    member.set_rank(rank);
    member.set_digest(rank + 1);
  }
  step.sum.losses.Add({0.5f, 2, 0, std::nanf("")});
  step.sum.top.Add({0.5f, 2, 0, std::nanf("")}, {10, 11, 12, 13});
  return ToPieces(step).front();
}

absl::StatusOr<std::optional<StepReport>> Read(const v1::NodeReport& report) {
  return NodeReportAssembler().Add(report, LossScope::kBatch);
}

std::string ErrorOf(const v1::NodeReport& report) {
  const absl::StatusOr<std::optional<StepReport>> sum = Read(report);
  EXPECT_EQ(sum.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(sum.status().message());
}

TEST(NodeReport, ReadsWhatWasWritten) {
  const absl::StatusOr<std::optional<StepReport>> read = Read(ReportOf({2, 5}));
  ASSERT_TRUE(read.ok()) << read.status();
  const std::optional<StepReport>& sum = *read;
  ASSERT_TRUE(sum);
  LossStatistics losses;
  losses.Add({0.5f, 2, 0, std::nanf("")});
  TopLosses top;
  top.Add({0.5f, 2, 0}, {10, 11, 12});
  EXPECT_EQ(sum->step, 7);
  EXPECT_EQ(sum->losses, losses);
  EXPECT_EQ(sum->top, top);
}

TEST(NodeReport, KeepsTheMaximumWhereThereAreNoIds) {
  NodeStep step;
  step.members.emplace_back().set_digest(1);
  step.sum.losses.Add({0.5f, 2});
  step.sum.top.Add({0.5f, 2}, {});
  EXPECT_EQ((*Read(ToPieces(step).front()))->top, step.sum.top);
}

// `reports` of 16 losses each.
TiedLosses Tied(int reports) {
  TiedLosses tied;
  for (int i = 0; i < reports; ++i) {
    tied.AddReport(Fine(std::vector<float>(16, 1)));
  }
  return tied;
}

TEST(NodeReport, CarriesTheSumsOfTiedLossesInEitherScope) {
  NodeStep step;
  step.members.emplace_back().set_digest(1);
  EXPECT_EQ(ToPieces(step).front().tied_losses(), "");
  EXPECT_EQ((*Read(ToPieces(step).front()))->tied, TiedLosses());
  step.sum.tied = Tied(1);
  EXPECT_EQ((*Read(ToPieces(step).front()))->tied, Tied(1));
  step.sum.examples.resize(kMaxPieceLosses + 1);
  NodeReportAssembler assembler;
  std::optional<StepReport> read;
  for (const v1::NodeReport& piece : ToPieces(step)) {
    read = *assembler.Add(piece, LossScope::kDataset);
  }
  EXPECT_EQ(read->tied, Tied(1));
}

TEST(NodeReport, RefusesTiedLossesThatCannotBe) {
  v1::NodeReport report = ReportOf({2, 5});
  report.set_tied_losses("abc");
  EXPECT_THAT(ErrorOf(report), HasSubstr("tied losses of 3 bytes"));
  // 9 * 16 losses are more than the first 64 of two ranks.
  report.set_tied_losses(Tied(9).Serialize());
  EXPECT_THAT(ErrorOf(report), HasSubstr("in tied_losses is 144; it must be at most 128"));
  report.set_tied_losses(Tied(8).Serialize());
  EXPECT_TRUE(Read(report).ok());
}

TEST(NodeReport, CarriesWhatRanksSayBesideTheirLosses) {
  StepReport own;
  own.step = 7;
  own.digest = 9;
  own.parameter_digest = 5;
  own.snapshots = {1, 2};
  const v1::MemberReport member = MemberReportOf(/*rank=*/3, own);
  v1::NodeReport report;
  *report.add_members() = member;
  const std::vector<ReportingRank> ranks = ReportingRanks(report);
  ASSERT_EQ(ranks.size(), 1u);
  EXPECT_EQ(ranks[0].rank, 3u);
  EXPECT_EQ(ranks[0].digest, 9u);
  EXPECT_EQ(ranks[0].parameter_digest, 5u);
  EXPECT_THAT(ranks[0].snapshots, ::testing::ElementsAre(1, 2));
}

NodeStep StepOfExamples(size_t count) {
  NodeStep step;
  step.sum.step = 7;
  step.members.emplace_back().set_digest(1);
  for (size_t i = 0; i < count; ++i) {
    step.sum.examples.push_back({.example_id = i, .loss = static_cast<float>(i)});
  }
  return step;
}

TEST(NodeReport, LossesOfExamplesGoInPieces) {
  const NodeStep step = StepOfExamples(2 * kMaxPieceLosses + 1);
  const std::vector<v1::NodeReport> pieces = ToPieces(step);
  ASSERT_EQ(pieces.size(), 3u);
  NodeReportAssembler assembler;
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(pieces[i].members().empty());
    EXPECT_LT(pieces[i].ByteSizeLong(), size_t{16} << 20);
    const auto more = assembler.Add(pieces[i], LossScope::kDataset);
    ASSERT_TRUE(more.ok()) << more.status();
    EXPECT_FALSE(more->has_value());
  }
  const auto read = assembler.Add(pieces[2], LossScope::kDataset);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_TRUE(read->has_value());
  EXPECT_EQ((*read)->step, 7);
  EXPECT_EQ((*read)->examples, step.sum.examples);
}

TEST(NodeReport, ARankWithoutDataHasNoLossesOfExamples) {
  const auto read =
      NodeReportAssembler().Add(ToPieces(StepOfExamples(0)).front(), LossScope::kDataset);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE((*read)->examples.empty());
}

TEST(NodeReport, RefusesPiecesThatCannotBe) {
  const auto error_of = [](std::vector<v1::NodeReport> pieces, LossScope scope) {
    NodeReportAssembler assembler;
    absl::Status status;
    for (const v1::NodeReport& piece : pieces) {
      EXPECT_TRUE(status.ok()) << status;
      status = assembler.Add(piece, scope).status();
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    // The next step is read from its beginning.
    EXPECT_TRUE(assembler.Add(ToPieces(StepOfExamples(2)).front(), LossScope::kDataset).ok());
    return std::string(status.message());
  };
  v1::NodeReport last = ToPieces(StepOfExamples(2)).front();
  EXPECT_THAT(error_of({last}, LossScope::kBatch), HasSubstr("loss_statistics is 2"));
  v1::NodeReport first = last;
  first.set_more(true);
  EXPECT_THAT(error_of({first}, LossScope::kDataset), HasSubstr("number of members is 1"));
  first.clear_members();
  last.set_step(8);
  EXPECT_THAT(error_of({first, last}, LossScope::kDataset), HasSubstr("step is 8"));
  last.set_step(7);
  last.add_losses(1);
  EXPECT_THAT(error_of({first, last}, LossScope::kDataset), HasSubstr("example ids is 2"));
  std::vector<v1::NodeReport> many = ToPieces(StepOfExamples(kMaxStepExamples + 1));
  EXPECT_THAT(error_of(std::move(many), LossScope::kDataset),
              HasSubstr("losses of the step is 4194305"));
  last.mutable_losses()->Resize(kMaxPieceLosses + 1, 1);
  EXPECT_THAT(error_of({last}, LossScope::kDataset), HasSubstr("in a piece is 1048577"));
}

TEST(NodeReport, RefusesMembersThatCannotBe) {
  EXPECT_THAT(ErrorOf(ReportOf({})), HasSubstr("number of members is 0"));
  EXPECT_THAT(ErrorOf(ReportOf({4, 2})), HasSubstr("rank is 2"));
  EXPECT_THAT(ErrorOf(ReportOf({4, 4})), HasSubstr("rank is 4"));
  std::vector<uint32_t> many(kMaxNodeRanks + 1);
  std::iota(many.begin(), many.end(), 0);
  EXPECT_THAT(ErrorOf(ReportOf(many)), HasSubstr("number of members is 4097"));
  v1::NodeReport report = ReportOf({2});
  report.mutable_members(0)->set_digest(0);
  EXPECT_THAT(ErrorOf(report), HasSubstr("digest of rank 2 is 0"));
  report = ReportOf({2});
  report.mutable_members(0)->mutable_snapshots()->Resize(9, 1);
  EXPECT_THAT(ErrorOf(report), HasSubstr("snapshots of rank 2 is 9"));
  report = ReportOf({2});
  report.mutable_members(0)->mutable_outcome()->set_step(-7);
  EXPECT_THAT(ErrorOf(report), HasSubstr("outcome's step is -7"));
}

TEST(NodeReport, RefusesSumsThatCannotBe) {
  v1::NodeReport report = ReportOf({2});
  report.mutable_loss_statistics()->at(0) = 99;
  EXPECT_THAT(ErrorOf(report), HasSubstr("version"));
  report = ReportOf({2});
  report.mutable_loss_statistics()->pop_back();
  EXPECT_THAT(ErrorOf(report), HasSubstr("histogram of 55 bytes; expected 56"));
  report = ReportOf({2});
  report.set_max(std::numeric_limits<float>::infinity());
  EXPECT_THAT(ErrorOf(report), HasSubstr("max is inf"));
  report = ReportOf({2});
  report.mutable_highest(0)->set_loss(-1);
  EXPECT_THAT(ErrorOf(report), HasSubstr("example 11 is -1"));
  report = ReportOf({2});
  report.mutable_highest(0)->set_loss(3);
  EXPECT_THAT(ErrorOf(report), HasSubstr("at most max, 2"));
  report = ReportOf({2});
  for (int i = 0; i < 17; ++i) {
    report.add_highest();
  }
  EXPECT_THAT(ErrorOf(report), HasSubstr("highest losses is 20"));
}

}  // namespace
}  // namespace lehr
