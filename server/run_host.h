// One run at work: its state machine (server/core/generation.h) with the streams of its ranks, its
// journal records and its watchers. Every decision is appended to the journal before it is sent.
//
// Thread-safe: one mutex a run. No call waits for the network; calls wait for the disk only while
// the journal's queue is full, or where they read history.
#ifndef LEHR_SERVER_RUN_HOST_H_
#define LEHR_SERVER_RUN_HOST_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "lehr/v1/runs.pb.h"
#include "lehr/v1/supervisor.pb.h"
#include "server/core/generation.h"
#include "server/core/replica_digests.h"
#include "server/durable_steps.h"
#include "server/journal/run_store.h"
#include "server/rank_outbox.h"
#include "server/run_course.h"

namespace lehr {

class Metrics;
struct RunStatus;

// What all runs of a supervisor share. Outlives them.
struct RunSurroundings {
  RunStore& journal;
  Metrics& metrics;
  // Asks for a Tick at or after this time.
  std::function<void(absl::Time)> wake_at;
  // Decisions that wait for the disk, over all runs: each commit then asks for a Tick.
  std::atomic<int> held_sends = 0;
};

// Watchers of one run at a time.
inline constexpr size_t kMaxWatchers = 64;

class RunHost {
 public:
  // A run that nobody has joined yet.
  RunHost(std::string run_id, RunSurroundings& surroundings, bool acting_stopped, absl::Time now);
  // A run as the journal has it. INTERNAL if the journal's settings do not fit this version.
  static absl::StatusOr<std::unique_ptr<RunHost>> Recover(RecoveredRun recovered, bool clean_stop,
                                                          RunSurroundings& surroundings,
                                                          bool acting_stopped, absl::Time now);

  // A rank's place in a generation. A stream whose place was taken over is ignored from then on.
  struct Seat {
    uint64_t generation = 0;
    uint32_t rank = 0;
    float loss_offset = 0;
    LossScope scope = LossScope::kBatch;
    std::shared_ptr<RankSink> outbox;
  };

  // `join` has passed CheckJoin. Opens or joins a generation; Welcome goes to `outbox`.
  // FAILED_PRECONDITION for an older generation, another world size or an ended run, ALREADY_EXISTS
  // for a rank that another live process holds.
  absl::StatusOr<Seat> Join(const v1::Join& join, std::shared_ptr<RankSink> outbox, absl::Time now);
  // Whether this process of the supervisor has let in the process that `join` comes from, or will
  // refuse it as one of an older generation.
  bool HasLetIn(const v1::Join& join) const;
  // The answer goes to the seat's outbox, now or when the step closes.
  void Report(const Seat& seat, StepReport report, absl::Time now);
  // As above, for ranks of `generation` whose losses come in one sum on the stream of `node`.
  // `ranks`: ascending. A refusal goes to those that still have that stream.
  void ReportTogether(uint64_t generation, const NodeOutbox* node,
                      absl::Span<const ReportingRank> ranks, StepReport sum, absl::Time now);
  // `outcome` and `pause` have passed their checks (rank_message_check.h).
  void Outcome(const Seat& seat, const v1::CommandOutcome& outcome);
  void Pause(const Seat& seat, const v1::Pause& pause, absl::Time now);
  void Checkpointed(const Seat& seat, int64_t step);
  void Leave(const Seat& seat, bool completed, absl::Time now);
  // The stream of the seat has ended.
  void Disconnected(const Seat& seat, absl::Time now);

  // Closes steps that are late, and sends what waited for the disk.
  void Tick(absl::Time now);

  v1::Run Describe() const;
  v1::RunOverview Overview() const;
  // Rises with every change that Overview shows, but for last_seen.
  uint64_t revision() const { return revision_; }
  // What was decided before this process, condensed: of the current generation, in the order of
  // steps. Once, before anything else.
  void ResumeCourse(absl::Span<const SeriesBucket> buckets);
  // Ranks from this one on, at most `limit`.
  v1::ListRanksResponse ListRanks(uint32_t from, uint32_t limit) const;
  // All ranks have left it, or an operator ended it.
  bool IsOver() const;
  // Its ranks may still bring decisions back that an unclean stop lost.
  bool MayHaveForgotten() const;
  // From the next unopened step on. INVALID_ARGUMENT if a value is out of bounds.
  absl::StatusOr<v1::SetPolicyResponse> SetPolicy(const v1::SetPolicyRequest& request);
  void StopActing(bool stop);
  v1::Run End();
  // RESOURCE_EXHAUSTED at kMaxWatchers.
  absl::Status Watch(std::shared_ptr<WatchOutbox> watcher);
  void Unwatch(const WatchOutbox* watcher);
  // Ends all streams, after what they have been sent, with `status`.
  void CloseStreams(const absl::Status& status);

  const std::string& run_id() const { return run_id_; }
  absl::Time opened() const { return opened_; }

 private:
  struct HeldSend {
    uint64_t sequence;
    v1::Decision decision;
    std::vector<uint32_t> ranks;
  };
  struct Checkpoint {
    uint64_t generation;
    int64_t step;
    RunMemory memory;
  };

  absl::Status OpenGeneration(const v1::Join& join, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RememberAttempt(const std::string& job_attempt, uint64_t generation)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status EnterGeneration(const v1::Join& join, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What was kept for the checkpoint that the generation resumes from, if there was one.
  std::optional<RunMemory> ResumedMemory() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RestoreHeld(const v1::Join& join) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SendWelcome(RankSink& outbox) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  v1::Welcome MakeWelcome() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void CompareReplicas(uint32_t rank, int64_t step, uint64_t digest)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Holds(const Seat& seat) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // `node`: null for a rank with a stream of its own.
  void TakeReport(const NodeOutbox* node, absl::Span<const ReportingRank> ranks, StepReport report,
                  absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<uint32_t> StillOn(const NodeOutbox* node, absl::Span<const ReportingRank> ranks) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Refuse(const std::vector<uint32_t>& ranks, int64_t step, v1::Refused::Code code,
              const std::string& message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Answer(absl::Span<const ReportingRank> ranks, int64_t step, const ReportAnswered& answered,
              absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Publish(const Effects& effects) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Publish(const ClosedStep& closed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SendDecision(const std::vector<uint32_t>& ranks, v1::Decision decision)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RefuseAsEnded(const std::vector<uint32_t>& ranks, int64_t step)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropHeld() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AppendRunRecord() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TellWatchersOfRun() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ScheduleTick() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  v1::RunState State() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  RunStatus Status() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  v1::Run DescribeLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DescribeCondition(v1::RunOverview& overview) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string run_id_;
  const absl::Time opened_;
  RunSurroundings& surroundings_;
  std::atomic<uint64_t> revision_ = 0;

  mutable absl::Mutex mutex_;
  // Null until the first generation is open.
  std::unique_ptr<Generation> generation_ ABSL_GUARDED_BY(mutex_);
  journal::v1::GenerationRecord record_ ABSL_GUARDED_BY(mutex_);
  // Bound: kMaxRecoveredGenerations, the newest.
  std::map<std::string, uint64_t> generation_of_attempt_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<RankSink>> streams_ ABSL_GUARDED_BY(mutex_);
  // When each rank joined or reported last.
  std::vector<absl::Time> rank_seen_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<WatchOutbox>> watchers_ ABSL_GUARDED_BY(mutex_);
  std::deque<Checkpoint> checkpoints_ ABSL_GUARDED_BY(mutex_);
  ReplicaDigests digests_ ABSL_GUARDED_BY(mutex_){/*world_size=*/0};
  std::deque<HeldSend> held_ ABSL_GUARDED_BY(mutex_);
  // Ranks that wait until the generation is on the disk: a crash must not give its number to
  // another job.
  std::vector<std::shared_ptr<RankSink>> held_welcomes_ ABSL_GUARDED_BY(mutex_);
  // The record by which the generation was opened.
  uint64_t opening_ ABSL_GUARDED_BY(mutex_) = 0;
  // Of this generation.
  DurableSteps durable_steps_ ABSL_GUARDED_BY(mutex_){/*through=*/-1};

  std::map<std::string, std::string> labels_ ABSL_GUARDED_BY(mutex_);
  // Of the current generation.
  RunCourse course_ ABSL_GUARDED_BY(mutex_);
  v1::Decision newest_ ABSL_GUARDED_BY(mutex_);
  absl::Time last_seen_ ABSL_GUARDED_BY(mutex_);
  uint64_t commands_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t applied_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t skipped_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t conflicts_ ABSL_GUARDED_BY(mutex_) = 0;
  // The newest step of the generation before which replicas differed.
  std::optional<int64_t> replicas_differ_step_ ABSL_GUARDED_BY(mutex_);
  // The newest step whose outcome is counted: the ranks agree, so the first one speaks for all.
  int64_t outcome_through_ ABSL_GUARDED_BY(mutex_) = -1;
  bool acting_stopped_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool left_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace lehr

#endif  // LEHR_SERVER_RUN_HOST_H_
