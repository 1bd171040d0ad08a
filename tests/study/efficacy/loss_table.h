// The latest loss of every example, as the supervisor's scope dataset keeps it, and temperatures in
// plain double: the study needs speed, and no exact sums.
#ifndef LEHR_TESTS_STUDY_EFFICACY_LOSS_TABLE_H_
#define LEHR_TESTS_STUDY_EFFICACY_LOSS_TABLE_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "server/core/temperature.h"

namespace lehr {

// As ComputeTemperature, for finite losses >= 0.
Temperature MeasureInDouble(absl::Span<const float> losses);

class LossTable {
 public:
  explicit LossTable(int64_t examples);

  // `ids` are distinct, and below the number of examples.
  void Update(absl::Span<const uint64_t> ids, absl::Span<const float> losses);

  // Of the examples that are known.
  double Mean() const { return sum_ / static_cast<double>(known_); }
  double RootMeanSquare() const;
  int64_t known() const { return known_; }
  // With entropy: takes time in proportion to the examples.
  Temperature Measure() const;

 private:
  // Negative: not known.
  std::vector<float> latest_;
  int64_t known_ = 0;
  double sum_ = 0;
  double sum_of_squares_ = 0;
};

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_LOSS_TABLE_H_
