// The runs of a supervisor, by id: takes them up from the store, lets ranks join them, and closes
// their late steps. No thread and no clock of its own: whoever owns it passes `now`, and calls Tick
// when it is asked to.
//
// Thread-safe.
#ifndef LEHR_SERVER_RUN_TABLE_H_
#define LEHR_SERVER_RUN_TABLE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/run_host.h"

namespace lehr {

// Runs held in memory, those that are over included, for each that max_runs allows.
inline constexpr uint32_t kRunsHeld = 10;

// A rank's place in its run.
struct RankSeat {
  std::shared_ptr<RunHost> run;
  RunHost::Seat seat;
};

class RunTable {
 public:
  struct Options {
    // Outlive the table.
    RunStore* store = nullptr;
    Metrics* metrics = nullptr;
    // Runs that are neither ended nor left; the join of a new one beyond them is refused. So is the
    // join of a new one beyond kRunsHeld times as many, with those that are.
    uint32_t max_runs = 10000;
    // Asks for a Tick at or after this time. Called under locks: it must not call back.
    std::function<void(absl::Time)> wake_at;
  };
  explicit RunTable(const Options& options);
  RunTable(const RunTable&) = delete;
  RunTable& operator=(const RunTable&) = delete;

  // Takes up every run that the store holds. Once, before anything else. Errors: the store's.
  absl::Status Recover(absl::Time now);

  // Errors: INVALID_ARGUMENT for a field out of bounds, RESOURCE_EXHAUSTED at max_runs, UNAVAILABLE
  // after Stop, and those of RunHost::Join.
  absl::StatusOr<RankSeat> Join(const v1::Join& join, std::shared_ptr<RankSink> sink,
                                absl::Time now);

  // Closes what is due, and sends what waited for the disk.
  void Tick(absl::Time now);
  // More of the store is durable. Never waits, so that the store's thread may call it.
  void OnDurable();

  // While stopped, every policy of every run only observes.
  void StopActing(bool stop);
  bool acting_stopped() const;

  // INVALID_ARGUMENT for an id out of bounds, NOT_FOUND for an unknown one.
  absl::StatusOr<std::shared_ptr<RunHost>> Find(const std::string& run_id) const;
  std::vector<std::shared_ptr<RunHost>> All() const;

  // No more joins are taken.
  void Stop() { stopped_ = true; }
  bool stopped() const { return stopped_; }

 private:
  // RESOURCE_EXHAUSTED if there is no room for a new run.
  absl::Status CheckRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OutrankEpoch(const v1::Join& join, const RunHost* run);
  absl::StatusOr<RankSeat> JoinNewRun(const v1::Join& join, std::shared_ptr<RankSink> sink,
                                      absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  RunSurroundings surroundings_;
  std::atomic<bool> stopped_ = false;

  mutable absl::Mutex mutex_;
  std::map<std::string, std::shared_ptr<RunHost>> runs_ ABSL_GUARDED_BY(mutex_);
  bool acting_stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace lehr

#endif  // LEHR_SERVER_RUN_TABLE_H_
