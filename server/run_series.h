// The series that name a run, for a bounded number of runs; those whose ranks connected last have
// them. Part of metrics.cc.
//
// Thread-safe.
#ifndef LEHR_SERVER_RUN_SERIES_H_
#define LEHR_SERVER_RUN_SERIES_H_

#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "lehr/v1/decision.pb.h"

namespace lehr {

class RunSeries {
 public:
  // The registry outlives this.
  RunSeries(prometheus::Registry& registry, int max_runs);

  // The run gets a place, that of the run whose turn was longest ago if all are taken.
  void RankConnected(std::string_view run_id, std::uint32_t connected);

  // These tell of runs that have a place only.
  void RankDisconnected(std::string_view run_id, std::uint32_t connected);
  void DecisionMade(std::string_view run_id, const v1::Decision& decision);
  void RunEnded(std::string_view run_id);

 private:
  struct Place {
    // In the order of families_.
    std::vector<prometheus::Gauge*> gauges;
    std::list<std::string>::iterator turn;
  };
  using Places = std::map<std::string, Place, std::less<>>;

  Places::iterator Open(std::string_view run_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Close(Places::iterator place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::size_t max_runs_;
  std::vector<prometheus::Family<prometheus::Gauge>*> families_;

  absl::Mutex mutex_;
  Places places_ ABSL_GUARDED_BY(mutex_);
  // Runs that have a place; the one that goes next is first.
  std::list<std::string> turns_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lehr

#endif  // LEHR_SERVER_RUN_SERIES_H_
