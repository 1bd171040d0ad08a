// Writes an outbox to its gRPC stream: what waits, one response at a time, then the final status.
//
//   OutboxWriter<Reactor, Response> writer_(*this, *outbox_);
//   outbox_->OnChange([this] { writer_.Write(); });
//   void OnWriteDone(bool ok) override { writer_.WriteDone(ok); }
//   void OnDone() override { outbox_->OnChange(nullptr); ... }
//
// Thread-safe. The reactor and the outbox outlive it.
#ifndef LEHR_SERVER_OUTBOX_WRITER_H_
#define LEHR_SERVER_OUTBOX_WRITER_H_

#include <grpcpp/support/status.h>

#include <utility>
#include <variant>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/grpc_status.h"
#include "server/outbox.h"

namespace lehr {

template <typename Reactor, typename Response>
class OutboxWriter {
 public:
  OutboxWriter(Reactor& reactor, Outbox<Response>& outbox) : reactor_(reactor), outbox_(outbox) {}

  // Goes on if nothing is being written. Finishes the stream when the outbox is closed and empty,
  // or when a write has failed.
  void Write() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (writing_ || finished_) {
      return;
    }
    typename Outbox<Response>::Next next = outbox_.Take();
    if (auto* response = std::get_if<Response>(&next); response && !broken_) {
      response_ = std::move(*response);
      writing_ = true;
      reactor_.StartWrite(&response_);
    } else if (auto* status = std::get_if<absl::Status>(&next); status || broken_) {
      finished_ = true;
      reactor_.Finish(status ? ToGrpcStatus(*status) : grpc::Status::CANCELLED);
    }
  }

  void WriteDone(bool ok) ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      absl::MutexLock lock(&mutex_);
      writing_ = false;
      broken_ = broken_ || !ok;
    }
    Write();
  }

 private:
  Reactor& reactor_;
  Outbox<Response>& outbox_;

  absl::Mutex mutex_;
  Response response_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace lehr

#endif  // LEHR_SERVER_OUTBOX_WRITER_H_
