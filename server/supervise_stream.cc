#include "server/supervise_stream.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/grpc_status.h"
#include "server/metrics.h"
#include "server/rank_message_check.h"
#include "server/report_assembler.h"

namespace lehr {
namespace {

// A message that held a big report keeps its memory: beyond this, it is replaced.
constexpr int kKeptLosses = 16384;

class Stream final : public grpc::ServerBidiReactor<v1::SuperviseRequest, v1::SuperviseResponse> {
 public:
  Stream(Supervisor& supervisor, Metrics& metrics, std::atomic<uint32_t>& streams)
      : supervisor_(supervisor),
        metrics_(metrics),
        streams_(streams),
        outbox_(std::make_shared<RankOutbox>(OutboxOverflow::kClose)) {
    metrics_.StreamOpened();
    outbox_->OnChange([this] { Write(); });
    StartRead(&request_);
  }

  void Refuse(absl::Status status) { outbox_->Close(std::move(status)); }

  void OnReadDone(bool ok) override {
    if (!ok) {
      // Half-closed, broken, or malformed: gRPC does not tell which.
      outbox_->Close(left_ ? absl::OkStatus()
                           : absl::InvalidArgumentError("the stream ended without a Leave"));
      return;
    }
    if (absl::Status status = Handle(request_); !status.ok()) {
      outbox_->Close(std::move(status));
      return;
    }
    if (request_.report().losses_size() > kKeptLosses) {
      request_ = v1::SuperviseRequest();
    }
    StartRead(&request_);
  }

  void OnWriteDone(bool ok) override {
    {
      absl::MutexLock lock(&mutex_);
      writing_ = false;
      broken_ = broken_ || !ok;
    }
    Write();
  }

  void OnCancel() override { outbox_->Close(absl::CancelledError("the rank is gone")); }

  void OnDone() override {
    outbox_->OnChange(nullptr);
    if (seat_) {
      seat_->run->Disconnected(seat_->seat, absl::Now());
    }
    metrics_.StreamClosed();
    --streams_;
    delete this;
  }

 private:
  // An error is a fault of protocol: it ends the stream.
  absl::Status Handle(const v1::SuperviseRequest& request) {
    if (request.has_join()) {
      return HandleJoin(request.join());
    }
    if (!seat_) {
      return absl::InvalidArgumentError("the first message of a stream must be Join");
    }
    const absl::Time now = absl::Now();
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

  absl::Status HandleJoin(const v1::Join& join) {
    if (seat_) {
      return absl::InvalidArgumentError("Join comes once a stream");
    }
    absl::StatusOr<Supervisor::RankSeat> seat = supervisor_.Join(join, outbox_);
    if (!seat.ok()) {
      return seat.status();
    }
    seat_ = *std::move(seat);
    assembler_.emplace(seat_->seat.loss_offset);
    return absl::OkStatus();
  }

  void HandleReport(const v1::Report& piece, absl::Time now) {
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

  // Writes what waits, one response at a time, and finishes when the outbox is closed and empty.
  void Write() {
    absl::MutexLock lock(&mutex_);
    if (writing_ || finished_) {
      return;
    }
    RankOutbox::Next next = outbox_->Take();
    if (auto* response = std::get_if<v1::SuperviseResponse>(&next); response && !broken_) {
      response_ = std::move(*response);
      writing_ = true;
      StartWrite(&response_);
    } else if (auto* status = std::get_if<absl::Status>(&next); status || broken_) {
      finished_ = true;
      Finish(status ? ToGrpcStatus(*status) : grpc::Status::CANCELLED);
    }
  }

  Supervisor& supervisor_;
  Metrics& metrics_;
  std::atomic<uint32_t>& streams_;
  const std::shared_ptr<RankOutbox> outbox_;

  // Of the reading side: gRPC has one read in flight.
  v1::SuperviseRequest request_;
  std::optional<Supervisor::RankSeat> seat_;
  std::optional<ReportAssembler> assembler_;
  bool left_ = false;

  absl::Mutex mutex_;
  v1::SuperviseResponse response_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

grpc::ServerBidiReactor<v1::SuperviseRequest, v1::SuperviseResponse>* SupervisorService::Supervise(
    grpc::CallbackServerContext*) {
  const bool fits = ++streams_ <= max_streams_;
  auto* stream = new Stream(supervisor_, metrics_, streams_);
  if (!fits) {
    stream->Refuse(absl::ResourceExhaustedError(
        absl::StrCat("this supervisor has ", max_streams_, " streams, the most that it takes")));
  }
  return stream;
}

}  // namespace lehr
