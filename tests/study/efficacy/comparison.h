// The statistics of the study's table.
#ifndef LEHR_TESTS_STUDY_EFFICACY_COMPARISON_H_
#define LEHR_TESTS_STUDY_EFFICACY_COMPARISON_H_

#include <cstdint>
#include <vector>

namespace lehr {

struct Interval {
  double low;
  double high;
};

// Wilson's 95 % interval for a share. `count` > 0.
Interval WilsonInterval(int64_t successes, int64_t count);

// Two-sided exact p of as many wins and losses, or more unequal ones, if both were equally likely:
// McNemar's test for pairs that succeed and fail, the sign test for pairs of numbers. 1 without
// any.
double ExactSignTest(int64_t wins, int64_t losses);

// Holm's correction: adjusted p-values, in the order of the given ones.
std::vector<double> HolmAdjusted(const std::vector<double>& p_values);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_COMPARISON_H_
