// The results of the study by task and arm, and what is told of each.
#ifndef LEHR_TESTS_STUDY_EFFICACY_ROWS_H_
#define LEHR_TESTS_STUDY_EFFICACY_ROWS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/study/efficacy/study_task.h"
#include "tests/study/efficacy/trial.h"

namespace lehr {

// One task under one arm. There is at least one trial; they are in the order of their seeds.
struct Row {
  const StudyTask* task;
  // See TrialResult.
  std::string arm;
  std::vector<TrialResult> trials;
};

// In the order of the tasks, then of the policies, then as the results come.
std::vector<Row> RowsOf(const std::vector<TrialResult>& results);

// "restart" of "restart (window 5)".
std::string_view PolicyOf(const Row& row);

// The row of a policy, the first if there are more; null: there is none.
const Row* Find(const std::vector<Row>& rows, std::string_view task, std::string_view policy);

int64_t Seeds(const Row& row);
// Trials that were at their goal at some time, and those that are there at the end.
int64_t Reached(const Row& row);
int64_t Successes(const Row& row);
// Trials with at least one change from outside.
int64_t Touched(const Row& row);
double MeanAccuracy(const Row& row);
double MeanActions(const Row& row);

// Of the steps to the goal, where a trial that never got there counts as endless. -1: endless.
int64_t StepsQuantile(const Row& row, double quantile);

// Trials of the two rows with the same seed, and those of them that end with the same parameters,
// bit for bit.
struct Twins {
  int64_t pairs = 0;
  int64_t identical = 0;
};
Twins TwinsOf(const Row& a, const Row& b);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_ROWS_H_
