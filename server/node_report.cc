#include "server/node_report.h"

#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "server/field_error.h"
#include "server/rank_message_check.h"
#include "server/report_assembler.h"

namespace lehr {
namespace {

absl::Status CheckMembers(const v1::NodeReport& report) {
  if (report.more()) {
    return report.members().empty() ? absl::OkStatus()
                                    : OutOfBounds("the number of members", report.members_size(),
                                                  "0 in a piece that is not the last");
  }
  if (report.members_size() < 1 || report.members_size() > kMaxNodeRanks) {
    return OutOfBounds("the number of members", report.members_size(),
                       absl::StrCat("in [1, ", kMaxNodeRanks, "]"));
  }
  const v1::MemberReport* before = nullptr;
  for (const v1::MemberReport& member : report.members()) {
    if (before != nullptr && member.rank() <= before->rank()) {
      return OutOfBounds("a member's rank", member.rank(),
                         absl::StrCat("greater than that of the one before, ", before->rank()));
    }
    if (member.digest() == 0) {
      return OutOfBounds(absl::StrCat("the digest of rank ", member.rank()), 0, "greater");
    }
    if (member.snapshots_size() > kMaxHeldSnapshots) {
      return OutOfBounds(absl::StrCat("the number of snapshots of rank ", member.rank()),
                         member.snapshots_size(), absl::StrCat("at most ", kMaxHeldSnapshots));
    }
    if (member.has_outcome()) {
      if (absl::Status status = CheckOutcome(member.outcome()); !status.ok()) {
        return status;
      }
    }
    before = &member;
  }
  return absl::OkStatus();
}

// `before`: the pieces of the step so far.
absl::Status CheckExamples(const v1::NodeReport& piece, const std::optional<StepReport>& before,
                           LossScope scope) {
  if (scope == LossScope::kBatch && (piece.losses_size() > 0 || piece.more())) {
    return OutOfBounds("the number of losses outside of loss_statistics", piece.losses_size(),
                       "0, without `more`, with scope batch");
  }
  if (piece.losses_size() > kMaxPieceLosses) {
    return OutOfBounds("the number of losses in a piece", piece.losses_size(),
                       absl::StrCat("at most ", kMaxPieceLosses));
  }
  if (piece.example_ids_size() != piece.losses_size()) {
    return OutOfBounds("the number of example ids", piece.example_ids_size(),
                       absl::StrCat("that of the losses, ", piece.losses_size()));
  }
  if (!before) {
    return absl::OkStatus();
  }
  if (piece.step() != before->step) {
    return OutOfBounds("step", piece.step(),
                       absl::StrCat("that of the piece before, ", before->step));
  }
  if (const size_t losses = before->examples.size() + piece.losses_size();
      losses > kMaxStepExamples) {
    return OutOfBounds("the number of losses of the step", losses,
                       absl::StrCat("at most ", kMaxStepExamples));
  }
  return absl::OkStatus();
}

absl::Status CheckLoss(absl::string_view field, float loss) {
  return std::isfinite(loss) && loss >= 0 ? absl::OkStatus()
                                          : OutOfBounds(field, loss, "finite and >= 0");
}

absl::StatusOr<TopLosses> TopFromProto(const v1::NodeReport& report) {
  if (absl::Status status = CheckLoss("max", report.max()); !status.ok()) {
    return status;
  }
  if (report.highest_size() > static_cast<int>(TopLosses::kDefaultCapacity)) {
    return OutOfBounds("the number of highest losses", report.highest_size(),
                       absl::StrCat("at most ", TopLosses::kDefaultCapacity));
  }
  TopLosses top;
  top.Add({report.max()}, {});
  for (const v1::ExampleLoss& entry : report.highest()) {
    if (absl::Status status =
            CheckLoss(absl::StrCat("the loss of example ", entry.example_id()), entry.loss());
        !status.ok()) {
      return status;
    }
    if (entry.loss() > report.max()) {
      return OutOfBounds(absl::StrCat("the loss of example ", entry.example_id()), entry.loss(),
                         absl::StrCat("at most max, ", report.max()));
    }
    top.Add({entry.loss()}, {entry.example_id()});
  }
  return top;
}

absl::StatusOr<TiedLosses> TiedFromProto(const v1::NodeReport& report) {
  if (report.tied_losses().empty()) {
    return TiedLosses();
  }
  absl::StatusOr<TiedLosses> tied = TiedLosses::Parse(report.tied_losses());
  const uint64_t most = LossSample::kMost * report.members_size();
  if (tied.ok() && tied->count() > most) {
    return OutOfBounds("the number of losses in tied_losses", tied->count(),
                       absl::StrCat("at most ", most, " of ", report.members_size(), " ranks"));
  }
  return tied;
}

absl::StatusOr<StepReport> SumFromProto(const v1::NodeReport& report) {
  absl::StatusOr<LossStatistics> losses = LossStatistics::Parse(report.loss_statistics());
  if (!losses.ok()) {
    return losses.status();
  }
  const uint64_t most = kMaxStepLosses * report.members_size();
  if (LossesReported(*losses) > most) {
    return OutOfBounds("the number of losses", LossesReported(*losses),
                       absl::StrCat("at most ", most, " of ", report.members_size(), " ranks"));
  }
  absl::StatusOr<TopLosses> top = TopFromProto(report);
  if (!top.ok()) {
    return top.status();
  }
  StepReport sum;
  sum.step = report.step();
  sum.losses = *std::move(losses);
  sum.top = *std::move(top);
  return sum;
}

void AddSum(const StepReport& sum, v1::NodeReport& report) {
  report.set_loss_statistics(sum.losses.Serialize());
  report.set_max(sum.top.max());
  for (const ExampleLoss& entry : sum.top.entries()) {
    v1::ExampleLoss* highest = report.add_highest();
    highest->set_example_id(entry.example_id);
    highest->set_loss(entry.loss);
  }
}

void AddExamples(absl::Span<const ExampleLoss> examples, v1::NodeReport& report) {
  report.mutable_losses()->Reserve(static_cast<int>(examples.size()));
  report.mutable_example_ids()->Reserve(static_cast<int>(examples.size()));
  for (const ExampleLoss& example : examples) {
    report.add_losses(example.loss);
    report.add_example_ids(example.example_id);
  }
}

}  // namespace

std::vector<v1::NodeReport> ToPieces(const NodeStep& step) {
  std::vector<v1::NodeReport> pieces;
  absl::Span<const ExampleLoss> examples = step.sum.examples;
  do {
    v1::NodeReport& piece = pieces.emplace_back();
    piece.set_step(step.sum.step);
    AddExamples(examples.subspan(0, kMaxPieceLosses), piece);
    examples.remove_prefix(piece.losses_size());
    piece.set_more(!examples.empty());
  } while (!examples.empty());
  v1::NodeReport& last = pieces.back();
  last.mutable_members()->Add(step.members.begin(), step.members.end());
  if (step.sum.tied != TiedLosses()) {
    last.set_tied_losses(step.sum.tied.Serialize());
  }
  if (step.sum.examples.empty()) {
    AddSum(step.sum, last);
  }
  return pieces;
}

v1::MemberReport MemberReportOf(uint32_t rank, const StepReport& report) {
  v1::MemberReport member;
  member.set_rank(rank);
  member.set_digest(report.digest);
  if (report.parameter_digest) {
    member.set_parameter_digest(*report.parameter_digest);
  }
  member.mutable_snapshots()->Add(report.snapshots.begin(), report.snapshots.end());
  return member;
}

absl::StatusOr<std::optional<StepReport>> NodeReportAssembler::Add(const v1::NodeReport& piece,
                                                                   LossScope scope) {
  std::optional<StepReport> before = std::exchange(partial_, std::nullopt);
  if (absl::Status status = CheckExamples(piece, before, scope); !status.ok()) {
    return status;
  }
  if (absl::Status status = CheckMembers(piece); !status.ok()) {
    return status;
  }
  absl::StatusOr<TiedLosses> tied = TiedFromProto(piece);
  if (!tied.ok()) {
    return tied.status();
  }
  if (scope == LossScope::kBatch) {
    absl::StatusOr<StepReport> sum = SumFromProto(piece);
    if (sum.ok()) {
      sum->tied = *std::move(tied);
    }
    return sum;
  }
  StepReport step;
  if (before) {
    step = *std::move(before);
  }
  step.step = piece.step();
  step.tied = *std::move(tied);
  for (int i = 0; i < piece.losses_size(); ++i) {
    step.examples.push_back({.example_id = piece.example_ids(i), .loss = piece.losses(i)});
  }
  if (!piece.more()) {
    return step;
  }
  partial_ = std::move(step);
  return std::nullopt;
}

std::vector<ReportingRank> ReportingRanks(const v1::NodeReport& report) {
  std::vector<ReportingRank> ranks;
  for (const v1::MemberReport& member : report.members()) {
    ReportingRank& rank = ranks.emplace_back();
    rank.rank = member.rank();
    rank.digest = member.digest();
    if (member.has_parameter_digest()) {
      rank.parameter_digest = member.parameter_digest();
    }
    rank.snapshots.assign(member.snapshots().begin(), member.snapshots().end());
  }
  return ranks;
}

}  // namespace lehr
