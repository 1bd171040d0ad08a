// What people see of the current generation of a run: its condition and its course in few numbers,
// kept in memory at a bounded cost a decision. After a restart it is made again from the journal's
// series, with what is long past in coarser pieces.
//
// Not thread-safe.
#ifndef LEHR_SERVER_RUN_COURSE_H_
#define LEHR_SERVER_RUN_COURSE_H_

#include <cstdint>

#include "lehr/v1/decision.pb.h"
#include "lehr/v1/runs.pb.h"
#include "server/core/run_condition.h"
#include "server/core/sparkline.h"
#include "server/journal/series_bucket.h"

namespace lehr {

class RunCourse {
 public:
  // A decision that has been made or brought back.
  void Add(const v1::Decision& decision);
  // Decisions of the past, condensed. In the order of steps.
  void Resume(const SeriesBucket& bucket);

  const RunCondition& condition() const { return condition_; }
  // Fills noise_stddev, last_acted_step, loss_before_act, loss_now and sparkline.
  void Describe(v1::RunOverview& overview) const;

 private:
  void Add(const SeriesBucket& bucket, int64_t apply_step, bool stall_seen);

  RunCondition condition_;
  Sparkline sparkline_;
  double noise_stddev_ = 0;
  // Of noise_stddev_.
  int64_t noise_step_ = -1;
};

}  // namespace lehr

#endif  // LEHR_SERVER_RUN_COURSE_H_
