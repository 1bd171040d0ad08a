// All runs of one lehrd: the table of them, what operators ask of it and of the journal, and the
// clock that closes late steps.
//
// Thread-safe.
#ifndef LEHR_SERVER_SUPERVISOR_H_
#define LEHR_SERVER_SUPERVISOR_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "lehr/v1/runs.pb.h"
#include "server/journal/journal.h"
#include "server/run_table.h"
#include "server/tick_clock.h"

namespace lehr {

class Supervisor {
 public:
  struct Options {
    // Outlive the supervisor.
    Journal* journal = nullptr;
    Metrics* metrics = nullptr;
    // Runs that are neither ended nor left; the join of a new one beyond them is refused. So is the
    // join of a new one beyond kRunsHeld times as many, with those that are.
    uint32_t max_runs = 10000;
  };

  // Takes up every run that the journal holds. Errors: the journal's.
  static absl::StatusOr<std::unique_ptr<Supervisor>> Start(const Options& options);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // For the ranks, and for who follows changes.
  RunTable& runs() { return runs_; }
  const RunTable& runs() const { return runs_; }

  // The answers to RunsService. Errors: INVALID_ARGUMENT for a field out of bounds, NOT_FOUND for
  // an unknown run; each names the value. A change returns once it is on the disk, UNAVAILABLE if
  // that fails or takes too long.
  absl::StatusOr<v1::ListRunsResponse> ListRuns(const v1::ListRunsRequest& request) const;
  absl::StatusOr<v1::GetRunResponse> GetRun(const v1::GetRunRequest& request) const;
  absl::StatusOr<v1::GetHistoryResponse> GetHistory(const v1::GetHistoryRequest& request) const;
  // What only the HTTP port asks for. The same errors.
  absl::StatusOr<v1::ListOverviewResponse> ListOverview(
      const v1::ListOverviewRequest& request) const;
  absl::StatusOr<v1::GetSeriesResponse> GetSeries(const v1::GetSeriesRequest& request) const;
  absl::StatusOr<v1::ListRanksResponse> ListRanks(const v1::ListRanksRequest& request) const;
  absl::StatusOr<v1::SetPolicyResponse> SetPolicy(const v1::SetPolicyRequest& request);
  absl::StatusOr<v1::StopActingResponse> StopActing(const v1::StopActingRequest& request);
  absl::StatusOr<v1::EndRunResponse> EndRun(const v1::EndRunRequest& request);
  // Updates go to `watcher` until Unwatch or the end of the run.
  absl::StatusOr<std::shared_ptr<RunHost>> Watch(const v1::WatchRunRequest& request,
                                                 std::shared_ptr<WatchOutbox> watcher);

  // Whether reports are taken: the journal is recovered, and no shutdown has begun.
  bool ready() const { return !runs_.stopped(); }

  // Takes no more joins; ends all streams with UNAVAILABLE after what they have been sent, once
  // what was decided is on the disk or `deadline` has passed.
  void BeginShutdown(absl::Time deadline);
  // Closes the journal by `deadline`; nobody may call the supervisor any more. The stop counts as
  // clean only if no run waits for what its ranks hold since an earlier unclean one.
  absl::Status CloseJournal(absl::Time deadline);

  // More of the journal is on the disk. Never waits, so that the journal's thread may call it.
  void OnDurable() { runs_.OnDurable(); }

 private:
  explicit Supervisor(const Options& options);

  void ResumeCourses();
  absl::Status ResumeCourse(RunHost& run);

  Journal& journal_;
  RunTable runs_;

  // The first to go: its thread calls the runs.
  TickClock clock_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_SUPERVISOR_H_
