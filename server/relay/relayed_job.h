// The ranks of one job (run and job_attempt) behind a sidecar, and their one stream to the
// supervisor.
//
// It forwards what they say and what they are told, and passes their losses up by step, all in one
// message (node_barrier.h), or each rank's alone where the supervisor refuses that. It decides
// nothing: when the stream to the supervisor ends, it ends those of the ranks with UNAVAILABLE, and
// is over.
//
// Thread-safe: one mutex a job. No call waits.
#ifndef LEHR_SERVER_RELAY_RELAYED_JOB_H_
#define LEHR_SERVER_RELAY_RELAYED_JOB_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/supervisor_channel.h"
#include "lehr/v1/supervisor.pb.h"
#include "server/metrics.h"
#include "server/rank_outbox.h"
#include "server/relay/node_barrier.h"
#include "server/relay/undecided_reports.h"
#include "server/relay/upstream_stream.h"
#include "server/report_assembler.h"

namespace lehr {

class RelayedJob final : public UpstreamStream::Listener,
                         public std::enable_shared_from_this<RelayedJob> {
 public:
  struct Options {
    SupervisorTarget upstream;
    // Outlives the job.
    Metrics* metrics = nullptr;
    // Asks for a Tick at or after this time.
    std::function<void(absl::Time)> wake_at;
    // The job is over; its last act. For the connection, see UpstreamStream::Listener::Gone.
    std::function<void(const RelayedJob*, std::shared_ptr<grpc::Channel> connection)> on_over;
  };
  explicit RelayedJob(Options options) : options_(std::move(options)) {}

  // The number of the rank's seat. Its Welcome or its end goes to `sink`. Nothing: the job is over.
  std::optional<uint64_t> Join(const v1::Join& join, std::shared_ptr<RankSink> sink);
  void Report(uint64_t seat, const v1::Report& piece, absl::Time now);
  void Pause(uint64_t seat, const v1::Pause& pause, absl::Time now);
  void Checkpointed(uint64_t seat, int64_t step);
  void Leave(uint64_t seat, const v1::Leave& leave, absl::Time now);
  // The rank's stream has ended. With the last one the job is over.
  void Disconnected(uint64_t seat, absl::Time now);

  // Passes up what is due.
  void Tick(absl::Time now);
  // Passes up all that waits, and ends the ranks' streams with `status`.
  void CloseStreams(const absl::Status& status);
  // Gives up the stream to the supervisor.
  void Cancel();

 private:
  struct Member {
    uint32_t rank;
    std::shared_ptr<RankSink> sink;
    // Its Join: the newest step that it may have reported before, and in which generation.
    uint64_t generation;
    int64_t highest_step;
    // Set by Welcome.
    std::optional<ReportAssembler> assembler;
    // Came with a piece of a report that is not complete.
    std::optional<v1::CommandOutcome> outcome;
  };

  void Received(v1::RelayResponse& response) override;
  void Ended(const absl::Status& status) override;
  void Gone(std::shared_ptr<grpc::Channel> connection) override;

  void TakeWelcome(uint64_t seat, Member& member, v1::Welcome& welcome)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeRefused(const Member& member, v1::Refused& refused)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeDecision(const v1::NodeDecision& decision) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Null: it has gone.
  Member* Find(uint64_t seat) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsCurrent(uint64_t seat, const Member& member) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveUpSeat(uint64_t seat, const Member& member, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void Refuse(const Member& member, int64_t step, v1::Refused::Code code,
                     const absl::Status& why);
  v1::RelayRequest MessageOf(uint64_t seat, const Member& member) const;
  void SendUp(v1::RelayRequest request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SendUp(std::vector<v1::NodeReport> pieces) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SendUp(const NodeBarrier::Steps& steps) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ScheduleTick() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;

  absl::Mutex mutex_;
  // Null before the first Join, and when it has ended.
  UpstreamStream* upstream_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t last_seat_ ABSL_GUARDED_BY(mutex_) = 0;
  // By seat.
  std::map<uint64_t, Member> members_ ABSL_GUARDED_BY(mutex_);
  // The seat of each rank that is welcome.
  std::map<uint32_t, uint64_t> seat_of_rank_ ABSL_GUARDED_BY(mutex_);
  // From the first Welcome on.
  std::optional<NodeBarrier> barrier_ ABSL_GUARDED_BY(mutex_);
  UndecidedReports undecided_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lehr

#endif  // LEHR_SERVER_RELAY_RELAYED_JOB_H_
