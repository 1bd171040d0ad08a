// What reheat is to reach, and whether the results show it.
#ifndef LEHR_TESTS_STUDY_EFFICACY_TARGETS_H_
#define LEHR_TESTS_STUDY_EFFICACY_TARGETS_H_

#include <string>
#include <vector>

#include "tests/study/efficacy/rows.h"

namespace lehr {

enum class Verdict { kMet, kMissed, kNotMeasured };

struct Target {
  // "XOR 2-2-1, BCE: p50 at most 0.8 of restart's".
  std::string name;
  // "0.92 (406 against 442)"; empty where nothing was measured.
  std::string outcome;
  Verdict verdict = Verdict::kNotMeasured;
};

// All of them, with what `rows` say of each. That a target is met does not say that it was measured
// on as many seeds as the table has: the outcome names the seeds.
std::vector<Target> CheckTargets(const std::vector<Row>& rows);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_TARGETS_H_
