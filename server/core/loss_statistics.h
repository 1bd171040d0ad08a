// The exact sums from which the temperature is computed.
//
// Over the finite losses l >= 0: their count n, sum(l), sum(l^2) and sum(l log2 l), each an exact
// integer multiple of a fixed unit, and a histogram. The same multiset of losses gives the same
// bytes in any order, any split, any tree of merges, on any CPU. The logarithm is the specified one
// of x_log2_x.h.
//
// NaN, infinite and negative losses are counted by reason and reach no sum. -0 is 0.
// Losses: binary32, any unit. Not thread-safe. When serialized, 222 bytes and 18 for each bin of
// the histogram that holds something.
//
//   LossStatistics statistics;
//   statistics.Add({0.25f, 3.0f});
//   statistics.Merge(*LossStatistics::Parse(bytes_of_another_rank));
//   const Temperature temperature = ComputeTemperature(statistics);
#ifndef LEHR_SERVER_CORE_LOSS_STATISTICS_H_
#define LEHR_SERVER_CORE_LOSS_STATISTICS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "server/core/exact_sum.h"
#include "server/core/loss_histogram.h"

namespace lehr {

// How many losses were left out, by reason.
struct ExcludedLosses {
  uint64_t nan = 0;
  uint64_t infinite = 0;  // of either sign
  uint64_t negative = 0;  // and finite

  bool operator==(const ExcludedLosses&) const = default;
};

class LossStatistics {
 public:
  // The units of the sums, as powers of two: an ExactSum of 1 is worth 2^kSumUnit.
  static constexpr int kSumUnit = -149;  // the smallest denormal
  static constexpr int kSumOfSquaresUnit = 2 * kSumUnit;
  // Fine enough for the smallest denormal, whose mantissa 2^23 is worth 2^-149, in X's units of
  // 2^-31.
  static constexpr int kXLog2XUnit = kSumUnit - 23 - 31;

  // Adds RN32(loss + loss_offset) for each loss.
  void Add(absl::Span<const float> losses, float loss_offset = 0);
  // The inverse of Add: takes out losses that were added.
  void Remove(absl::Span<const float> losses, float loss_offset = 0);
  void Merge(const LossStatistics& other);

  // Losses in the sums.
  uint64_t count() const { return count_; }
  const ExcludedLosses& excluded() const { return excluded_; }
  // The sums, in their units. Wide enough for 2^64 losses of any size.
  const ExactSum<6>& sum() const { return sum_; }
  const ExactSum<10>& sum_of_squares() const { return sum_of_squares_; }
  const ExactSum<7>& x_log2_x() const { return x_log2_x_; }
  const LossHistogram& histogram() const { return histogram_; }

  bool operator==(const LossStatistics&) const = default;

  // Little-endian: kXLog2XVersion (4 bytes); count, excluded.nan, .infinite, .negative (8 each);
  // sum, sum_of_squares, x_log2_x (two's complement, 48, 80 and 56); the histogram. Equal objects
  // have equal bytes.
  std::string Serialize() const;
  // InvalidArgument for another version or length, and for what no losses have.
  static absl::StatusOr<LossStatistics> Parse(std::string_view bytes);

 private:
  struct Tally;
  class Tallies;

  void AddOrRemove(absl::Span<const float> losses, float loss_offset, int sign);
  void AddBlock(absl::Span<const float> losses, int sign);
  void AddTally(const Tallies& tallies, uint32_t biased_exponent, int sign);
  void AddRareLoss(float loss, int sign);
  absl::Status CheckConsistency() const;

  uint64_t count_ = 0;
  ExcludedLosses excluded_;
  ExactSum<6> sum_;
  ExactSum<10> sum_of_squares_;
  ExactSum<7> x_log2_x_;
  LossHistogram histogram_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_LOSS_STATISTICS_H_
