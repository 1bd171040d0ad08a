// A rank's line to its supervisor for as long as the rank trains: one stream after another, with
// what the session (client/core/session.h) makes of them.
//
// Thread-safe. A thread of its own connects, reads and reconnects; the trainer's thread only
// reports and waits. No call but AwaitDecision and Leave waits, and these two no longer than the
// timeouts.
#ifndef LEHR_CLIENT_SUPERVISOR_CONNECTION_H_
#define LEHR_CLIENT_SUPERVISOR_CONNECTION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/command.h"
#include "client/core/reconnect_backoff.h"
#include "client/core/session.h"
#include "client/event_log.h"
#include "client/outgoing.h"
#include "client/supervisor_call.h"
#include "lehr/v1/supervisor.pb.h"

namespace lehr {

// A supervisor that takes longer to say Welcome is tried again.
inline constexpr absl::Duration kJoinTimeout = absl::Seconds(30);

class SupervisorConnection {
 public:
  struct Options {
    // HOST:PORT.
    std::string supervisor;
    // All but the session's part.
    v1::Join join;
    // Greatest waits of a report, see Session::Options.
    absl::Duration connect_timeout;
    absl::Duration decision_timeout;
  };

  // Begins to connect. `log` must outlive it.
  SupervisorConnection(Options options, EventLog& log);
  // Cancels what is under way.
  ~SupervisorConnection();
  SupervisorConnection(const SupervisorConnection&) = delete;
  SupervisorConnection& operator=(const SupervisorConnection&) = delete;

  // Sends the report.
  void Report(RankReport report) ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits for the decision that the newest report's step needs, if it may be waited for; the
  // timeouts count from the report.
  void AwaitDecision() ABSL_LOCKS_EXCLUDED(mutex_);
  // See Session::TakeCommand.
  std::optional<HeldDecision> TakeCommand(int64_t apply_step) ABSL_LOCKS_EXCLUDED(mutex_);
  // What became of the command, and the digest of the parameters after it; for the next report.
  void SetOutcome(CommandOutcome outcome, std::optional<uint64_t> parameter_digest)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Pause(DeclaredPause pause) ABSL_LOCKS_EXCLUDED(mutex_);
  void Checkpointed(int64_t step) ABSL_LOCKS_EXCLUDED(mutex_);
  // Says good-bye; nothing is sent from then on.
  void Leave(bool completed) ABSL_LOCKS_EXCLUDED(mutex_);

  struct Status {
    bool joined;
    uint64_t generation;
    // The newest that came since the last call.
    std::optional<v1::Decision> newest_decision;
  };
  Status TakeStatus() ABSL_LOCKS_EXCLUDED(mutex_);
  // As the opener of the generation declared them.
  std::shared_ptr<const ReferenceStddevs> references() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  grpc::Status Converse() ABSL_LOCKS_EXCLUDED(mutex_);
  bool WaitToReconnect() ABSL_LOCKS_EXCLUDED(mutex_);
  void SendJoin() ABSL_LOCKS_EXCLUDED(mutex_);
  void Take(v1::SuperviseResponse& response) ABSL_LOCKS_EXCLUDED(mutex_);

  void TakeWelcome(const v1::Welcome& welcome) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeDecision(v1::Decision& decision) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeRefused(const v1::Refused& refused) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndStream(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsOver() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || session_.state() == Session::State::kClosed;
  }
  template <typename Message>
  void Send(Message message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SendDeclared() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CancelCall() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  EventLog& log_;

  mutable absl::Mutex mutex_;
  // Something came in, or a stream or the connection ended.
  absl::CondVar changed_;
  Session session_ ABSL_GUARDED_BY(mutex_);
  // The newest; for the log.
  int64_t reported_step_ ABSL_GUARDED_BY(mutex_) = -1;
  ReconnectBackoff backoff_ ABSL_GUARDED_BY(mutex_);
  std::optional<v1::Decision> newest_decision_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const ReferenceStddevs> references_ ABSL_GUARDED_BY(mutex_);
  // Null while there is no stream.
  SupervisorCall* call_ ABSL_GUARDED_BY(mutex_) = nullptr;
  Outgoing outgoing_ ABSL_GUARDED_BY(mutex_);
  // A Write is under way.
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  // The Leave is in outgoing_ or written: nothing may follow it.
  bool leave_sent_ ABSL_GUARDED_BY(mutex_) = false;
  // No other stream is to follow this one.
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_SUPERVISOR_CONNECTION_H_
