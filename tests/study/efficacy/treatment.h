// What is done to a run while it trains: a policy of the supervisor, or one of its peers.
#ifndef LEHR_TESTS_STUDY_EFFICACY_TREATMENT_H_
#define LEHR_TESTS_STUDY_EFFICACY_TREATMENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "tests/study/efficacy/study_task.h"
#include "trainer/mlp.h"
#include "trainer/optimizer.h"

namespace lehr {

// The run that is treated. All of it outlives the treatment.
struct Patient {
  const StudyTask& task;
  uint64_t seed;
  int64_t steps;
  int64_t examples;
  Mlp& model;
  Optimizer& optimizer;
};

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

// A treatment with the value of its one or two settings, e.g. "literal" at 0.1.
struct Arm {
  std::string name;
  // As in the table.
  std::string title;
  std::vector<double> settings;
};

// NOT_FOUND for a name that is none.
absl::StatusOr<std::unique_ptr<Treatment>> MakeTreatment(const Arm& arm, const Patient& patient);

// The arms of the table for a task: each peer as it was tuned.
std::vector<Arm> TableArms(const StudyTask& task);
// What the peers were tuned over.
std::vector<Arm> TuningGrid(const StudyTask& task);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_TREATMENT_H_
