#include "server/supervise_stream.h"

#include <utility>

#include "absl/time/clock.h"
#include "server/outbox_writer.h"
#include "server/rank_stream.h"

namespace lehr {
namespace {

// A message that held a big report keeps its memory: beyond this, it is replaced.
constexpr int kKeptLosses = 16384;

class Stream final : public grpc::ServerBidiReactor<v1::SuperviseRequest, v1::SuperviseResponse> {
 public:
  Stream(RankHost& ranks, Metrics& metrics, StreamLimit& limit)
      : metrics_(metrics),
        limit_(limit),
        outbox_(std::make_shared<RankOutbox>(OutboxOverflow::kClose)),
        writer_(*this, *outbox_),
        rank_(ranks, outbox_) {
    metrics_.StreamOpened();
    outbox_->OnChange([this] { writer_.Write(); });
    if (absl::Status status = limit_.Enter(); !status.ok()) {
      outbox_->Close(std::move(status));
    }
    StartRead(&request_);
  }

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

  void OnWriteDone(bool ok) override { writer_.WriteDone(ok); }

  void OnCancel() override { outbox_->Close(absl::CancelledError("the rank is gone")); }

  void OnDone() override {
    outbox_->OnChange(nullptr);
    rank_.Ended(absl::Now());
    metrics_.StreamClosed();
    limit_.Leave();
    delete this;
  }

 private:
  Metrics& metrics_;
  StreamLimit& limit_;
  const std::shared_ptr<RankOutbox> outbox_;
  OutboxWriter<Stream, v1::SuperviseResponse> writer_;

  // Of the reading side: gRPC has one read in flight.
  v1::SuperviseRequest request_;
  RankStream rank_;
};

}  // namespace

grpc::ServerBidiReactor<v1::SuperviseRequest, v1::SuperviseResponse>* StartSuperviseStream(
    RankHost& ranks, Metrics& metrics, StreamLimit& limit) {
  return new Stream(ranks, metrics, limit);
}

}  // namespace lehr
