// What is done to a run while it trains: a policy of the supervisor, or one of its peers.
#ifndef LEHR_TESTS_STUDY_EFFICACY_TREATMENT_H_
#define LEHR_TESTS_STUDY_EFFICACY_TREATMENT_H_

#include <cstdint>

#include "absl/types/span.h"
#include "tests/study/efficacy/patient.h"

namespace lehr {

// The losses of one step, from before its update.
struct StepView {
  int64_t step;
  absl::Span<const float> losses;
  absl::Span<const uint64_t> example_ids;
};

class Treatment {
 public:
  virtual ~Treatment() = default;

  // Between backward and update: may change the gradients.
  virtual void BeforeUpdate(const StepView& /*step*/) {}
  // After the update: may change parameters and optimizer state. Returns whether it did.
  virtual bool AfterUpdate(const StepView& /*step*/) { return false; }
  // The temperature of the latest observation; 0 where it has none.
  virtual double temperature() const { return 0; }
};

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_TREATMENT_H_
