// One stream to a supervisor, from its first byte to its status, as a sequence of events.
//
//   SupervisorCall call({"127.0.0.1:7070", MakeChannelCredentials(files)});
//   for (;;) {
//     switch (call.Next(deadline)) {
//       case SupervisorCall::Event::kStarted:   call.Write(join); break;
//       case SupervisorCall::Event::kReceived:  Take(call.response()); break;
//       case SupervisorCall::Event::kWritten:   ... the next Write ...; break;
//       case SupervisorCall::Event::kDeadline:  call.Cancel(); break;
//       case SupervisorCall::Event::kEnded:     return call.status();
//     }
//   }
//
// Has a connection of its own. Nothing blocks but Next. One thread calls Next; Write, HalfClose and
// Cancel may come from any thread, but only one Write may be under way, from kStarted to kEnded.
#ifndef LEHR_CLIENT_SUPERVISOR_CALL_H_
#define LEHR_CLIENT_SUPERVISOR_CALL_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "client/supervisor_channel.h"
#include "lehr/v1/supervisor.grpc.pb.h"

namespace lehr {

class SupervisorCall {
 public:
  // Begins to connect.
  explicit SupervisorCall(const SupervisorTarget& target);
  // Cancels what is still under way.
  ~SupervisorCall();
  SupervisorCall(const SupervisorCall&) = delete;
  SupervisorCall& operator=(const SupervisorCall&) = delete;

  enum class Event {
    kStarted,
    // response() is valid until the next Next.
    kReceived,
    // The next Write may begin.
    kWritten,
    // The deadline has passed; the call goes on.
    kDeadline,
    // status() is valid; nothing follows.
    kEnded,
  };
  Event Next(absl::Time deadline);

  void Write(const v1::SuperviseRequest& request);
  // After the last Write.
  void HalfClose();
  void Cancel() { context_.TryCancel(); }

  v1::SuperviseResponse& response() { return response_; }
  const grpc::Status& status() const { return status_; }

 private:
  std::unique_ptr<v1::SupervisorService::Stub> stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<v1::SuperviseRequest, v1::SuperviseResponse>>
      stream_;
  v1::SuperviseResponse response_;
  grpc::Status status_;
  // The response was handed out, and the next read has not begun.
  bool read_is_due_ = false;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_SUPERVISOR_CALL_H_
