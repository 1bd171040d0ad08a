#include "server/supervise_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/grpc_status.h"
#include "server/metrics.h"
#include "server/rank_stream.h"

namespace lehr {
namespace {

// A message that held a big report keeps its memory: beyond this, it is replaced.
constexpr int kKeptLosses = 16384;

class Stream final : public grpc::ServerBidiReactor<v1::SuperviseRequest, v1::SuperviseResponse> {
 public:
  Stream(Supervisor& supervisor, Metrics& metrics, std::atomic<uint32_t>& streams)
      : metrics_(metrics),
        streams_(streams),
        outbox_(std::make_shared<RankOutbox>(OutboxOverflow::kClose)),
        rank_(supervisor.runs(), metrics, outbox_) {
    metrics_.StreamOpened();
    outbox_->OnChange([this] { Write(); });
    StartRead(&request_);
  }

  void Refuse(absl::Status status) { outbox_->Close(std::move(status)); }

  void OnReadDone(bool ok) override {
    if (!ok) {
      // Half-closed, broken, or malformed: gRPC does not tell which.
      rank_.ReadingEnded();
      return;
    }
    if (!rank_.Take(request_, absl::Now())) {
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
    rank_.Ended(absl::Now());
    metrics_.StreamClosed();
    --streams_;
    delete this;
  }

 private:
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

  Metrics& metrics_;
  std::atomic<uint32_t>& streams_;
  const std::shared_ptr<RankOutbox> outbox_;

  // Of the reading side: gRPC has one read in flight.
  v1::SuperviseRequest request_;
  RankStream rank_;

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
