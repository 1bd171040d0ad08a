// The run that a treatment acts on.
#ifndef LEHR_TESTS_STUDY_EFFICACY_PATIENT_H_
#define LEHR_TESTS_STUDY_EFFICACY_PATIENT_H_

#include <cstdint>

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

// Makes the whole state of the optimizer what it was before the first step.
void ResetOptimizer(Patient& patient);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_PATIENT_H_
