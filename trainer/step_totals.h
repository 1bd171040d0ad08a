// What the ranks of a data-parallel job put together in each step beside their gradients, in the
// same all-reduce.
#ifndef LEHR_TRAINER_STEP_TOTALS_H_
#define LEHR_TRAINER_STEP_TOTALS_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace lehr {

struct StepTotals {
  // Sum of the losses; not finite if one of them is not.
  double loss_sum = 0;
  // Nonzero if a rank was asked to stop.
  uint64_t stop_requested = 0;
  // The least and the greatest hash of the ranks' commands; 0: a rank holds none.
  uint64_t least_command = 0;
  uint64_t greatest_command = 0;
};
// It travels as bytes.
static_assert(std::is_trivially_copyable_v<StepTotals>);

// Gives the same bits whichever of the two comes first, NaNs aside.
inline StepTotals Combine(const StepTotals& a, const StepTotals& b) {
  return {.loss_sum = a.loss_sum + b.loss_sum,
          .stop_requested = std::max(a.stop_requested, b.stop_requested),
          .least_command = std::min(a.least_command, b.least_command),
          .greatest_command = std::max(a.greatest_command, b.greatest_command)};
}

}  // namespace lehr

#endif  // LEHR_TRAINER_STEP_TOTALS_H_
