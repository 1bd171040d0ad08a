#include "server/report_assembler.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "server/rank_message_check.h"

namespace lehr {
namespace {

absl::Span<const float> Losses(const v1::Report& piece) {
  return {piece.losses().data(), static_cast<size_t>(piece.losses_size())};
}

absl::Span<const uint64_t> ExampleIds(const v1::Report& piece) {
  return {piece.example_ids().data(), static_cast<size_t>(piece.example_ids_size())};
}

uint64_t LossesReported(const LossStatistics& losses) {
  const ExcludedLosses& excluded = losses.excluded();
  return losses.count() + excluded.nan + excluded.infinite + excluded.negative;
}

}  // namespace

absl::StatusOr<std::optional<StepReport>> ReportAssembler::Add(const v1::Report& piece) {
  if (absl::Status status = Check(piece); !status.ok()) {
    partial_.reset();
    return status;
  }
  if (!partial_) {
    partial_.emplace();
    partial_->step = piece.step();
  }
  partial_->losses.Add(Losses(piece), loss_offset_);
  partial_->top.Add(Losses(piece), ExampleIds(piece), loss_offset_);
  if (piece.more()) {
    return std::optional<StepReport>();
  }
  partial_->snapshots.assign(piece.snapshots().begin(), piece.snapshots().end());
  if (piece.has_parameter_digest()) {
    partial_->parameter_digest = piece.parameter_digest();
  }
  const uint64_t digest = absl::Hash<std::string>()(partial_->losses.Serialize());
  partial_->digest = std::max<uint64_t>(digest, 1);
  return std::exchange(partial_, std::nullopt);
}

absl::Status ReportAssembler::Check(const v1::Report& piece) const {
  if (piece.losses_size() > kMaxPieceLosses) {
    return absl::InvalidArgumentError(
        absl::StrCat("step ", piece.step(), " comes with ", piece.losses_size(),
                     " losses in one piece; send at most ", kMaxPieceLosses, " and set `more`"));
  }
  if (piece.example_ids_size() != 0 && piece.example_ids_size() != piece.losses_size()) {
    return absl::InvalidArgumentError(absl::StrCat("step ", piece.step(), " comes with ",
                                                   piece.example_ids_size(), " example ids for ",
                                                   piece.losses_size(), " losses"));
  }
  if (piece.snapshots_size() > kMaxSnapshots) {
    return absl::InvalidArgumentError(absl::StrCat("step ", piece.step(), " comes with ",
                                                   piece.snapshots_size(), " snapshots; at most ",
                                                   kMaxSnapshots, " can be held"));
  }
  if (piece.has_outcome()) {
    if (absl::Status status = CheckOutcome(piece.outcome()); !status.ok()) {
      return status;
    }
  }
  if (!partial_) {
    return absl::OkStatus();
  }
  if (piece.step() != partial_->step) {
    return absl::InvalidArgumentError(absl::StrCat(
        "step ", piece.step(), " comes before the last piece of step ", partial_->step));
  }
  const uint64_t losses = LossesReported(partial_->losses) + piece.losses_size();
  if (losses > kMaxStepLosses) {
    return absl::InvalidArgumentError(absl::StrCat(
        "step ", piece.step(), " has ", losses, " losses; at most ", kMaxStepLosses, " are taken"));
  }
  return absl::OkStatus();
}

}  // namespace lehr
