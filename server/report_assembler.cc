#include "server/report_assembler.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "server/core/split_mix.h"
#include "server/rank_message_check.h"
#include "server/stable_digest.h"

namespace lehr {
namespace {

absl::Span<const float> Losses(const v1::Report& piece) {
  return {piece.losses().data(), static_cast<size_t>(piece.losses_size())};
}

absl::Span<const uint64_t> Ids(const v1::Report& piece) {
  return {piece.example_ids().data(), static_cast<size_t>(piece.example_ids_size())};
}

// The same for the same losses of the same examples, in any order.
uint64_t DigestOf(const StepReport& report) {
  uint64_t digest = StableDigest(report.losses.Serialize());
  for (const ExampleLoss& example : report.examples) {
    digest += SplitMix(SplitMix(example.example_id) ^ std::bit_cast<uint32_t>(example.loss));
  }
  return std::max<uint64_t>(digest, 1);
}

}  // namespace

uint64_t LossesReported(const LossStatistics& losses) {
  const ExcludedLosses& excluded = losses.excluded();
  return losses.count() + excluded.nan + excluded.infinite + excluded.negative;
}

absl::StatusOr<std::optional<StepReport>> ReportAssembler::Add(const v1::Report& piece) {
  if (absl::Status status = Check(piece); !status.ok()) {
    partial_.reset();
    return status;
  }
  if (!partial_) {
    partial_.emplace();
    partial_->step = piece.step();
    sample_ = {};
  }
  sample_.Add(Losses(piece), loss_offset_);
  if (scope_ == LossScope::kDataset) {
    Keep(piece);
  } else {
    Sum(piece);
  }
  if (piece.more()) {
    return std::optional<StepReport>();
  }
  partial_->snapshots.assign(piece.snapshots().begin(), piece.snapshots().end());
  if (piece.has_parameter_digest()) {
    partial_->parameter_digest = piece.parameter_digest();
  }
  partial_->tied.AddReport(sample_);
  partial_->digest = DigestOf(*partial_);
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
  if (piece.snapshots_size() > kMaxHeldSnapshots) {
    return absl::InvalidArgumentError(absl::StrCat("step ", piece.step(), " comes with ",
                                                   piece.snapshots_size(), " snapshots; at most ",
                                                   kMaxHeldSnapshots, " can be held"));
  }
  if (piece.has_outcome()) {
    if (absl::Status status = CheckOutcome(piece.outcome()); !status.ok()) {
      return status;
    }
  }
  const bool is_dataset = scope_ == LossScope::kDataset;
  if (is_dataset && piece.example_ids_size() != piece.losses_size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("step ", piece.step(), " comes with ", piece.losses_size(),
                     " losses and no example ids; scope dataset needs an id for each loss"));
  }
  if (partial_ && piece.step() != partial_->step) {
    return absl::InvalidArgumentError(absl::StrCat(
        "step ", piece.step(), " comes before the last piece of step ", partial_->step));
  }
  const uint64_t losses = LossesSoFar() + piece.losses_size();
  const uint64_t most = is_dataset ? kMaxStepExamples : kMaxStepLosses;
  if (losses > most) {
    return absl::InvalidArgumentError(absl::StrCat("step ", piece.step(), " has ", losses,
                                                   " losses; at most ", most, " are taken"));
  }
  return absl::OkStatus();
}

uint64_t ReportAssembler::LossesSoFar() const {
  return partial_ ? LossesReported(partial_->losses) + partial_->examples.size() : 0;
}

void ReportAssembler::Sum(const v1::Report& piece) {
  partial_->losses.Add(Losses(piece), loss_offset_);
  partial_->top.Add(Losses(piece), Ids(piece), loss_offset_);
}

void ReportAssembler::Keep(const v1::Report& piece) {
  for (int i = 0; i < piece.losses_size(); ++i) {
    partial_->examples.push_back(
        {.example_id = piece.example_ids(i), .loss = piece.losses(i) + loss_offset_});
  }
}

}  // namespace lehr
