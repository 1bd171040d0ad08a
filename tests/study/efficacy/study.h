// Runs what is left of the study, several trials at a time.
#ifndef LEHR_TESTS_STUDY_EFFICACY_STUDY_H_
#define LEHR_TESTS_STUDY_EFFICACY_STUDY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/study/efficacy/result_file.h"

namespace lehr {

// What is run.
struct StudyPlan {
  // Names of tasks and policies; empty: all.
  std::vector<std::string> tasks;
  std::vector<std::string> policies;
  // Of each task; 0: as many as the table has.
  int seeds = 0;
  // The others follow. Unset: the table's, or those for tuning.
  std::optional<uint64_t> first_seed;
  // Trials at a time, > 0.
  int threads = 1;
  // The peers' grid on the tuning seeds, instead of the table.
  bool tune = false;
};

// Runs every trial of the plan that `file` does not hold yet and writes it there, with a progress
// bar where stderr is a terminal. INVALID_ARGUMENT for a name that is none, else the error of the
// first trial that fails, or of the file.
absl::Status RunStudy(const StudyPlan& plan, ResultFile& file);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_STUDY_H_
