// The series that name a run, for a bounded number of runs; those whose ranks connected last have
// them. Part of metrics.cc.
//
// Thread-safe.
#ifndef LEHR_SERVER_RUN_SERIES_H_
#define LEHR_SERVER_RUN_SERIES_H_

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <limits>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "lehr/v1/decision.pb.h"

namespace lehr {

// How a run is, beside its newest decision.
struct RunStatus {
  std::uint32_t connected = 0;
  std::uint32_t world_size = 0;
  // Decisions that command something, over all generations.
  std::uint64_t commands = 0;
  bool breaker_open = false;
  // In this generation.
  bool replicas_differ = false;
  // When its ranks were last heard of.
  absl::Time last_seen;
};

class RunSeries {
 public:
  // The registry outlives this.
  RunSeries(prometheus::Registry& registry, int max_runs);

  // The run gets a place, that of the run whose turn was longest ago if all are taken.
  void RankConnected(std::string_view run_id, const RunStatus& status);

  // These tell of runs that have a place only.
  void StatusChanged(std::string_view run_id, const RunStatus& status);
  void DecisionMade(std::string_view run_id, const v1::Decision& decision, const RunStatus& status);
  void RunEnded(std::string_view run_id);

 private:
  struct Place {
    // In the order of families_.
    std::vector<prometheus::Gauge*> gauges;
    prometheus::Counter* commands = nullptr;
    std::list<std::string>::iterator turn;
    // Of the generation: the least mean loss, and what a stall must fall below to be over.
    std::uint64_t generation = 0;
    double least_mean = std::numeric_limits<double>::infinity();
  };
  using Places = std::map<std::string, Place, std::less<>>;

  Places::iterator Open(std::string_view run_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Close(Places::iterator place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void Show(Place& place, const RunStatus& status);
  static void ShowProgress(Place& place, const v1::Decision& decision);

  const std::size_t max_runs_;
  std::vector<prometheus::Family<prometheus::Gauge>*> families_;
  prometheus::Family<prometheus::Counter>& commands_;

  absl::Mutex mutex_;
  Places places_ ABSL_GUARDED_BY(mutex_);
  // Runs that have a place; the one that goes next is first.
  std::list<std::string> turns_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lehr

#endif  // LEHR_SERVER_RUN_SERIES_H_
