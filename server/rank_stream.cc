#include "server/rank_stream.h"

#include "absl/status/statusor.h"
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
  if (rank_ != nullptr) {
    rank_->Disconnected(now);
  }
}

// An error is a fault of protocol: it ends the stream.
absl::Status RankStream::Handle(const v1::SuperviseRequest& request, absl::Time now) {
  if (request.has_join()) {
    return HandleJoin(request.join(), now);
  }
  if (rank_ == nullptr) {
    return absl::InvalidArgumentError("the first message of a stream must be Join");
  }
  switch (request.message_case()) {
    case v1::SuperviseRequest::kReport:
      rank_->Report(request.report(), now);
      return absl::OkStatus();
    case v1::SuperviseRequest::kPause:
      if (absl::Status status = CheckPause(request.pause()); !status.ok()) {
        return status;
      }
      rank_->Pause(request.pause(), now);
      return absl::OkStatus();
    case v1::SuperviseRequest::kCheckpointed:
      rank_->Checkpointed(request.checkpointed().step());
      return absl::OkStatus();
    case v1::SuperviseRequest::kLeave:
      if (absl::Status status = CheckLeave(request.leave()); !status.ok()) {
        return status;
      }
      left_ = true;
      rank_->Leave(request.leave(), now);
      return absl::OkStatus();
    default:
      return absl::InvalidArgumentError("a message holds none of the kinds that are known");
  }
}

absl::Status RankStream::HandleJoin(const v1::Join& join, absl::Time now) {
  if (rank_ != nullptr) {
    return absl::InvalidArgumentError("Join comes once a stream");
  }
  absl::StatusOr<std::unique_ptr<HostedRank>> rank = host_.Join(join, outbox_, now);
  if (!rank.ok()) {
    return rank.status();
  }
  rank_ = *std::move(rank);
  return absl::OkStatus();
}

}  // namespace lehr
