// A rank's line to its supervisor for as long as the rank trains: carries its correspondence
// (client/correspondence.h) over one gRPC stream after another.
//
// Thread-safe. Two threads of its own speak with the supervisor: one connects, reads and
// reconnects, the other writes what waits to be written. The trainer's thread only puts down and
// waits. No call but AwaitDecision and Leave waits, and these two no longer than the timeouts.
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
#include "client/correspondence.h"
#include "client/event_log.h"
#include "client/pickup.h"
#include "client/supervisor_call.h"
#include "client/supervisor_channel.h"
#include "client/tls/tls_files.h"
#include "lehr/v1/supervisor.pb.h"

namespace lehr {

// A supervisor that takes longer to say Welcome is tried again.
inline constexpr absl::Duration kJoinTimeout = absl::Seconds(30);

class SupervisorConnection {
 public:
  using Options = Correspondence::Options;

  // Begins to connect, with `tls` (checked; see client/tls/tls_files.h). `log` must outlive it.
  SupervisorConnection(Options options, const TlsFiles& tls, EventLog& log);
  // Cancels what is under way.
  ~SupervisorConnection();
  SupervisorConnection(const SupervisorConnection&) = delete;
  SupervisorConnection& operator=(const SupervisorConnection&) = delete;

  // The report is to be sent.
  void Report(RankReport report) ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits for the decision that the newest report's step needs, if it may be waited for; the
  // timeouts count from the report.
  void AwaitDecision() ABSL_LOCKS_EXCLUDED(mutex_);
  // See Session::TakeCommand.
  std::optional<HeldDecision> TakeCommand(int64_t apply_step) ABSL_LOCKS_EXCLUDED(mutex_);
  // For the next report; see Session.
  void SetOutcome(CommandOutcome outcome) ABSL_LOCKS_EXCLUDED(mutex_);
  bool WantsDigest(int64_t step) const ABSL_LOCKS_EXCLUDED(mutex_);
  void SetParameterDigest(uint64_t digest) ABSL_LOCKS_EXCLUDED(mutex_);
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
  std::shared_ptr<const DeclaredTensors> declared_tensors() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // The reader's thread.
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  grpc::Status Converse() ABSL_LOCKS_EXCLUDED(mutex_);
  void Read(SupervisorCall& call) ABSL_LOCKS_EXCLUDED(mutex_);
  bool WaitToReconnect() ABSL_LOCKS_EXCLUDED(mutex_);
  void Begin() ABSL_LOCKS_EXCLUDED(mutex_);
  void Take(v1::SuperviseResponse& response) ABSL_LOCKS_EXCLUDED(mutex_);
  void Written() ABSL_LOCKS_EXCLUDED(mutex_);

  // The writer's thread.
  struct Errand {
    enum { kWrite, kHalfClose, kCancel, kNoMore } what;
    // To write.
    const v1::SuperviseRequest* request = nullptr;
  };
  void Write(SupervisorCall& call) ABSL_LOCKS_EXCLUDED(mutex_);
  Errand AwaitErrand() ABSL_LOCKS_EXCLUDED(mutex_);
  std::optional<Errand> TakeErrand() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const SupervisorTarget supervisor_;
  const absl::Duration decision_timeout_;
  EventLog& log_;

  mutable absl::Mutex mutex_;
  // Something came in, or a stream or the connection ended.
  absl::CondVar changed_;
  Correspondence letters_ ABSL_GUARDED_BY(mutex_);
  Pickup pickup_ ABSL_GUARDED_BY(mutex_);
  // From its begin until its end is known.
  bool streaming_ ABSL_GUARDED_BY(mutex_) = false;
  // A Write is under way.
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool half_closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_SUPERVISOR_CONNECTION_H_
