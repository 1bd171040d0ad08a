#include "server/supervised_ranks.h"

#include <optional>
#include <string>
#include <utility>

#include "server/report_assembler.h"

namespace lehr {
namespace {

class SeatedRank final : public HostedRank {
 public:
  SeatedRank(RankSeat place, Metrics& metrics)
      : run_(std::move(place.run)),
        seat_(std::move(place.seat)),
        assembler_(seat_.loss_offset, seat_.scope),
        metrics_(metrics) {}

  void Report(const v1::Report& piece, absl::Time now) override {
    metrics_.ReportReceived(piece.losses_size());
    absl::StatusOr<std::optional<StepReport>> report = assembler_.Add(piece);
    if (!report.ok()) {
      metrics_.ReportRefused(v1::Refused::CODE_INVALID);
      v1::SuperviseResponse response;
      response.mutable_refused()->set_step(piece.step());
      response.mutable_refused()->set_code(v1::Refused::CODE_INVALID);
      response.mutable_refused()->set_message(std::string(report.status().message()));
      seat_.outbox->Send(std::move(response));
      return;
    }
    if (piece.has_outcome()) {
      run_->Outcome(seat_, piece.outcome());
    }
    if (*report) {
      run_->Report(seat_, **std::move(report), now);
    }
  }

  void Pause(const v1::Pause& pause, absl::Time now) override { run_->Pause(seat_, pause, now); }

  void Checkpointed(int64_t step) override { run_->Checkpointed(seat_, step); }

  void Leave(const v1::Leave& leave, absl::Time now) override {
    if (leave.has_outcome()) {
      run_->Outcome(seat_, leave.outcome());
    }
    run_->Leave(seat_, leave.completed(), now);
  }

  void Disconnected(absl::Time now) override { run_->Disconnected(seat_, now); }

 private:
  const std::shared_ptr<RunHost> run_;
  const RunHost::Seat seat_;
  ReportAssembler assembler_;
  Metrics& metrics_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HostedRank>> SupervisedRanks::Join(const v1::Join& join,
                                                                  std::shared_ptr<RankSink> sink,
                                                                  absl::Time now) {
  absl::StatusOr<RankSeat> place = runs_.Join(join, std::move(sink), now);
  if (!place.ok()) {
    return place.status();
  }
  return std::make_unique<SeatedRank>(*std::move(place), metrics_);
}

}  // namespace lehr
