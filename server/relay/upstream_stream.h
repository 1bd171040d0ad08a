// One stream of a sidecar to the supervisor (SupervisorService.Relay).
//
// Thread-safe; no call waits.
#ifndef LEHR_SERVER_RELAY_UPSTREAM_STREAM_H_
#define LEHR_SERVER_RELAY_UPSTREAM_STREAM_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "client/supervisor_channel.h"
#include "lehr/v1/supervisor.grpc.pb.h"

namespace lehr {

// What may wait to be written. A node has at most a few reports a rank outstanding; the greatest
// step of scope dataset has 48 MiB.
inline constexpr size_t kMaxUpstreamMessages = 16384;
inline constexpr size_t kMaxUpstreamBytes = size_t{256} << 20;

class UpstreamStream final : public grpc::ClientBidiReactor<v1::RelayRequest, v1::RelayResponse> {
 public:
  // Called by one thread at a time.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void Received(v1::RelayResponse& response) = 0;
    // Nothing is received any more, and the stream is not to be used. The status is the stream's.
    virtual void Ended(const absl::Status& status) = 0;
    // The stream has let go of all that it had of gRPC, but for its connection. The last call.
    //
    // gRPC 1.51 ends its threads for callbacks with the last connection that used them, and aborts
    // if that happens in one of these threads, as this call is: the last one is to be released
    // elsewhere.
    virtual void Gone(std::shared_ptr<grpc::Channel> connection) = 0;
  };

  // Begins to connect. Deletes itself after listener->Ended, before which it may be
  // used. The listener lives until it is gone.
  static UpstreamStream* Start(const SupervisorTarget& target, std::shared_ptr<Listener> listener,
                               size_t max_bytes = kMaxUpstreamBytes);

  // False: too much waits, and the stream is given up.
  bool Send(v1::RelayRequest request) ABSL_LOCKS_EXCLUDED(mutex_);
  // After what waits, says that nothing more comes.
  void HalfClose() ABSL_LOCKS_EXCLUDED(mutex_);
  void Cancel() { context_.TryCancel(); }

 private:
  UpstreamStream(const SupervisorTarget& target, std::shared_ptr<Listener> listener,
                 size_t max_bytes);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveUpWaiting() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::SupervisorService::Stub> stub_;
  const std::shared_ptr<Listener> listener_;
  const size_t max_bytes_;
  grpc::ClientContext context_;
  v1::RelayResponse response_;

  absl::Mutex mutex_;
  std::deque<v1::RelayRequest> waiting_ ABSL_GUARDED_BY(mutex_);
  size_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  v1::RelayRequest request_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool half_close_ ABSL_GUARDED_BY(mutex_) = false;
  // No operation may be started from outside any more.
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace lehr

#endif  // LEHR_SERVER_RELAY_UPSTREAM_STREAM_H_
