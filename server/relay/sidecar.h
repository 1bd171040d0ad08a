// lehrd as a sidecar: the supervisor of the ranks on its machine, to them; to the central
// supervisor, one stream a job. It keeps nothing and decides nothing.
//
// Thread-safe.
#ifndef LEHR_SERVER_RELAY_SIDECAR_H_
#define LEHR_SERVER_RELAY_SIDECAR_H_

#include <grpcpp/channel.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/supervisor_channel.h"
#include "server/metrics.h"
#include "server/rank_host.h"
#include "server/relay/relayed_job.h"
#include "server/tick_clock.h"

namespace lehr {

class Sidecar final : public RankHost {
 public:
  // `upstream`: the central supervisor. The metrics outlive it.
  Sidecar(SupervisorTarget upstream, Metrics& metrics);
  // Gives up the streams to the supervisor. The ranks' streams must have ended.
  ~Sidecar() override;

  // INVALID_ARGUMENT for a field out of bounds, UNAVAILABLE while shutting down. All else is the
  // supervisor's answer, UNAVAILABLE if it cannot be reached.
  absl::StatusOr<std::unique_ptr<HostedRank>> Join(const v1::Join& join,
                                                   std::shared_ptr<RankSink> sink,
                                                   absl::Time now) override;

  const std::string& upstream() const { return upstream_.address; }
  // Whether joins are taken: the supervisor is connected, and no shutdown has begun.
  bool ready() const;

  // Takes no more joins; passes up what it holds, and ends the ranks' streams with UNAVAILABLE.
  void BeginShutdown();
  // Waits until the supervisor has taken all that was passed up, or until `deadline`. After
  // BeginShutdown, when the ranks' streams have ended.
  void Drain(absl::Time deadline);

 private:
  void TickAll();
  bool NothingRuns() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return running_.empty(); }
  std::vector<std::shared_ptr<RelayedJob>> AllJobs() const ABSL_LOCKS_EXCLUDED(mutex_);
  std::shared_ptr<RelayedJob> StartJob(const std::string& key)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void JobIsOver(const RelayedJob* job, std::shared_ptr<grpc::Channel> connection)
      ABSL_LOCKS_EXCLUDED(mutex_);

  const SupervisorTarget upstream_;
  Metrics& metrics_;
  // Carries nothing: it tells whether the supervisor can be reached.
  const std::shared_ptr<grpc::Channel> probe_;
  std::atomic<bool> stopping_ = false;

  mutable absl::Mutex mutex_;
  // The newest of each run and attempt.
  std::map<std::string, std::shared_ptr<RelayedJob>> jobs_ ABSL_GUARDED_BY(mutex_);
  // All that have a stream to the supervisor.
  std::vector<std::shared_ptr<RelayedJob>> running_ ABSL_GUARDED_BY(mutex_);
  uint64_t jobs_started_ ABSL_GUARDED_BY(mutex_) = 0;
  // Of the job that ended last: released with the sidecar, so that no callback releases the last
  // one.
  std::shared_ptr<grpc::Channel> newest_ended_ ABSL_GUARDED_BY(mutex_);

  // The first to go: its thread calls the jobs.
  TickClock clock_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_RELAY_SIDECAR_H_
