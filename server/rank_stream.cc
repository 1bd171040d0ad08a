#include "server/rank_stream.h"

#include <string>
#include <utility>

#include "server/metrics.h"
#include "server/rank_message_check.h"

namespace lehr {

bool RankStream::Take(const v1::SuperviseRequest& request, absl::Time now) {
  absl::Status status = Handle(request, now);
  if (status.ok()) {
    return true;
  }
  outbox_->Close(std::move(status));
  return false;
}

void RankStream::ReadingEnded() {
  outbox_->Close(left_ ? absl::OkStatus()
                       : absl::InvalidArgumentError("the stream ended without a Leave"));
}

void RankStream::Ended(absl::Time now) {
  if (seat_) {
    seat_->run->Disconnected(seat_->seat, now);
  }
}

// An error is a fault of protocol: it ends the stream.
absl::Status RankStream::Handle(const v1::SuperviseRequest& request, absl::Time now) {
  if (request.has_join()) {
    return HandleJoin(request.join(), now);
  }
  if (!seat_) {
    return absl::InvalidArgumentError("the first message of a stream must be Join");
  }
  switch (request.message_case()) {
    case v1::SuperviseRequest::kReport:
      HandleReport(request.report(), now);
      return absl::OkStatus();
    case v1::SuperviseRequest::kPause:
      if (absl::Status status = CheckPause(request.pause()); !status.ok()) {
        return status;
      }
      seat_->run->Pause(seat_->seat, request.pause(), now);
      return absl::OkStatus();
    case v1::SuperviseRequest::kCheckpointed:
      seat_->run->Checkpointed(seat_->seat, request.checkpointed().step());
      return absl::OkStatus();
    case v1::SuperviseRequest::kLeave:
      if (request.leave().has_outcome()) {
        if (absl::Status status = CheckOutcome(request.leave().outcome()); !status.ok()) {
          return status;
        }
        seat_->run->Outcome(seat_->seat, request.leave().outcome());
      }
      left_ = true;
      seat_->run->Leave(seat_->seat, request.leave().completed(), now);
      return absl::OkStatus();
    default:
      return absl::InvalidArgumentError("a message holds none of the kinds that are known");
  }
}

absl::Status RankStream::HandleJoin(const v1::Join& join, absl::Time now) {
  if (seat_) {
    return absl::InvalidArgumentError("Join comes once a stream");
  }
  absl::StatusOr<RankSeat> seat = runs_.Join(join, outbox_, now);
  if (!seat.ok()) {
    return seat.status();
  }
  seat_ = *std::move(seat);
  assembler_.emplace(seat_->seat.loss_offset, seat_->seat.scope);
  return absl::OkStatus();
}

void RankStream::HandleReport(const v1::Report& piece, absl::Time now) {
  metrics_.ReportReceived(piece.losses_size());
  absl::StatusOr<std::optional<StepReport>> report = assembler_->Add(piece);
  if (!report.ok()) {
    metrics_.ReportRefused(v1::Refused::CODE_INVALID);
    v1::SuperviseResponse response;
    response.mutable_refused()->set_step(piece.step());
    response.mutable_refused()->set_code(v1::Refused::CODE_INVALID);
    response.mutable_refused()->set_message(std::string(report.status().message()));
    outbox_->Send(std::move(response));
    return;
  }
  if (piece.has_outcome()) {
    seat_->run->Outcome(seat_->seat, piece.outcome());
  }
  if (*report) {
    seat_->run->Report(seat_->seat, **std::move(report), now);
  }
}

}  // namespace lehr
