// One run of a task under a treatment.
#ifndef LEHR_TESTS_STUDY_EFFICACY_TRIAL_H_
#define LEHR_TESTS_STUDY_EFFICACY_TRIAL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/study/efficacy/arm.h"
#include "tests/study/efficacy/study_task.h"
#include "trainer/dataset.h"

namespace lehr {

struct TrialResult {
  std::string task;
  // Its title, settings and all.
  std::string arm;
  uint64_t seed = 0;
  // The first step at which the goal was reached; -1: never.
  int64_t reached_step = -1;
  // Whether the run is at its goal at the end.
  bool ends_there = false;
  // Of the test set; of the training set where there is none.
  double final_accuracy = 0;
  double best_accuracy = 0;
  double final_loss = 0;
  // Times that parameters were changed from outside.
  int64_t actions = 0;
  // Of the final parameters' bits, to see whether two runs are the same.
  uint64_t parameter_hash = 0;
  // Of the processor, that the run took.
  double cpu_seconds = 0;
  // From the study's start to the end of the run, without the pauses between two calls.
  double study_seconds = 0;
};

struct TracePoint {
  int64_t step;
  double accuracy;
  double temperature;
  double mean_loss;
};

struct Trace {
  std::vector<TracePoint> points;
  std::vector<int64_t> action_steps;
};

// `clean` is the task's data; labels are flipped in a copy where the task wants it. `trace`, if
// given, receives about 400 points. NOT_FOUND for an arm that is none.
absl::StatusOr<TrialResult> RunTrial(const StudyTask& task, const Dataset& clean, const Arm& arm,
                                     uint64_t seed, Trace* trace = nullptr);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_TRIAL_H_
