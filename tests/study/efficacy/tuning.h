// What the peers are set to in the table, and what they were tuned over.
//
// Windows are in passes over the data set, which is one step where the batch is full.
#ifndef LEHR_TESTS_STUDY_EFFICACY_TUNING_H_
#define LEHR_TESTS_STUDY_EFFICACY_TUNING_H_

#include <vector>

#include "tests/study/efficacy/arm.h"
#include "tests/study/efficacy/study_task.h"

namespace lehr {

// The peers at every setting that was tried.
std::vector<Arm> TuningGrid(const StudyTask& task);

// The arms of the table: nothing, each peer at the setting that was best for the task, and reheat.
// A task that was not tuned for takes the settings of one that is like it.
std::vector<Arm> TableArms(const StudyTask& task);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_TUNING_H_
