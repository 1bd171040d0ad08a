// The study's plots as SVG, on a white ground of their own.
#ifndef LEHR_TESTS_STUDY_EFFICACY_PLOTS_H_
#define LEHR_TESTS_STUDY_EFFICACY_PLOTS_H_

#include <string>
#include <vector>

#include "tests/study/efficacy/rows.h"
#include "tests/study/efficacy/study_task.h"
#include "tests/study/efficacy/trial.h"

namespace lehr {

// The share of runs that have reached the goal, by step, a curve for each arm of one task. Steps
// are on a logarithmic axis. Empty where no run reached it.
std::string RescueCurves(const std::vector<Row>& rows, const StudyTask& task);

// Accuracy and temperature of one run by step, one above the other, with its perturbations marked.
// Empty without points.
std::string TracePlot(const Trace& trace, const std::string& title);

// Three to six round numbers from 0 to at most `greatest`, > 0, in even steps of 1, 2 or 5 times a
// power of ten.
std::vector<double> EvenTicks(double greatest);
// From `least` to `greatest`, > 0: one, two and five times powers of ten; within a decade more.
std::vector<double> LogTicks(double least, double greatest);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_PLOTS_H_
