// When the peers see a stall.
#ifndef LEHR_TESTS_STUDY_EFFICACY_STALL_WATCH_H_
#define LEHR_TESTS_STUDY_EFFICACY_STALL_WATCH_H_

#include <cstdint>
#include <limits>

#include "tests/study/efficacy/loss_table.h"
#include "tests/study/efficacy/treatment.h"

namespace lehr {

// Sees a stall as one usually does: no improvement by 1 % within a window of passes over the data
// set, while more than 5 % of the first loss is left.
class StallWatch {
 public:
  StallWatch(const Patient& patient, int64_t window);

  // Counts the step.
  bool Stalls(const StepView& step);

  // Forgets the best loss: training begins anew.
  void Begin();

 private:
  LossTable table_;
  const int64_t examples_;
  const int64_t window_;
  int64_t seen_ = 0;
  int64_t since_improvement_ = 0;
  double first_ = -1;
  double best_ = std::numeric_limits<double>::infinity();
};

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_STALL_WATCH_H_
