// Results as a Markdown table, JSON, and rescue curves as SVG.
#ifndef LEHR_TESTS_STUDY_EFFICACY_REPORT_H_
#define LEHR_TESTS_STUDY_EFFICACY_REPORT_H_

#include <string>
#include <vector>

#include "tests/study/efficacy/study_task.h"
#include "tests/study/efficacy/trial.h"

namespace lehr {

// One task under one arm.
struct Row {
  const StudyTask* task;
  std::string arm;
  std::vector<TrialResult> trials;
};

std::vector<Row> RowsOf(const std::vector<TrialResult>& results);

// Trials that succeeded: that are at their goal at the end.
int64_t Successes(const Row& row);
// Of the steps to the goal, where a trial that never got there counts as endless. -1: endless.
int64_t StepsQuantile(const Row& row, double quantile);

std::string MarkdownTables(const std::vector<Row>& rows);
std::string Json(const std::vector<Row>& rows);
// The share of runs that have reached the goal, by step, a curve for each arm of one task.
std::string RescueCurves(const std::vector<Row>& rows, const StudyTask& task);
// Accuracy and temperature of one run by step, its perturbations marked.
std::string TracePlot(const Trace& trace, const std::string& title);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_REPORT_H_
