// Results as Markdown and JSON.
#ifndef LEHR_TESTS_STUDY_EFFICACY_REPORT_H_
#define LEHR_TESTS_STUDY_EFFICACY_REPORT_H_

#include <string>
#include <vector>

#include "tests/study/efficacy/rows.h"

namespace lehr {

// The table, the paired comparison, the targets, and the time it took.
std::string Report(const std::vector<Row>& rows);

// One line an arm; in bold the best setting of each policy on each task.
std::string TuningReport(const std::vector<Row>& rows);

std::string Json(const std::vector<Row>& rows);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_REPORT_H_
