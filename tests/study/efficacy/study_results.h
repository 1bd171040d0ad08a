// Results for the tests of what is made of them.
#ifndef LEHR_TESTS_STUDY_EFFICACY_STUDY_RESULTS_H_
#define LEHR_TESTS_STUDY_EFFICACY_STUDY_RESULTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/study/efficacy/trial.h"

namespace lehr {

// One for each of `reached_steps`, by seeds from 0 on; a trial that reached its goal is there at
// the end, with accuracy 1, the others have 0.75.
inline std::vector<TrialResult> ResultsOf(const std::string& task, const std::string& arm,
                                          const std::vector<int64_t>& reached_steps) {
  std::vector<TrialResult> results;
  for (size_t seed = 0; seed < reached_steps.size(); ++seed) {
    const bool reached = reached_steps[seed] >= 0;
    results.push_back({.task = task,
                       .arm = arm,
                       .seed = seed,
                       .reached_step = reached_steps[seed],
                       .ends_there = reached,
                       .final_accuracy = reached ? 1.0 : 0.75});
  }
  return results;
}

inline void Add(const std::vector<TrialResult>& more, std::vector<TrialResult>& results) {
  results.insert(results.end(), more.begin(), more.end());
}

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_STUDY_RESULTS_H_
