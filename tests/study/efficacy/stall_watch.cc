#include "tests/study/efficacy/stall_watch.h"

namespace lehr {

StallWatch::StallWatch(const Patient& patient, int64_t window)
    : table_(patient.examples), examples_(patient.examples), window_(window) {}

bool StallWatch::Stalls(const StepView& step) {
  table_.Update(step.example_ids, step.losses);
  seen_ += static_cast<int64_t>(step.losses.size());
  if (seen_ < examples_) {
    return false;
  }
  seen_ = 0;
  const double mean = table_.Mean();
  if (first_ < 0) {
    first_ = mean;
  }
  ++since_improvement_;
  if (mean < 0.99 * best_) {
    best_ = mean;
    since_improvement_ = 0;
  }
  return since_improvement_ >= window_ && mean > 0.05 * first_;
}

void StallWatch::Begin() {
  best_ = std::numeric_limits<double>::infinity();
  since_improvement_ = 0;
  seen_ = 0;
}

}  // namespace lehr
