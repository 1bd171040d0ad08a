// How losses are spread: exact counts in bins of nearly equal relative width.
//
// A bin holds the losses >= 0 that share exponent and the first kFractionBits bits of the fraction
// of their binary32; above the denormals it is at most a sixteenth of its least loss wide. Beside
// their number it has the exact sum of its losses, so that its mean is known: where all losses are
// equal, every quantile is that loss.
//
// Numbers and sums are integers modulo 2^64, right for up to 2^40 losses in a bin: order, split and
// merge tree cannot change them, and what was added can be taken out again. Only exponents that
// losses have take memory, 300 bytes each. Not thread-safe.
//
//   LossHistogram histogram;
//   histogram.Add(0.5f, /*times=*/3);
//   histogram.Quantiles().p50;  // 0.5
#ifndef LEHR_SERVER_CORE_LOSS_HISTOGRAM_H_
#define LEHR_SERVER_CORE_LOSS_HISTOGRAM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/core/exact_sum.h"

namespace lehr {

// The least loss that 10 %, 50 % and 90 % of the losses do not exceed, as the mean of its bin.
// Unit: that of the loss. Between the least and the greatest loss; 0 where there are no losses.
struct LossQuantiles {
  double p10 = 0;
  double p50 = 0;
  double p90 = 0;

  bool operator==(const LossQuantiles&) const = default;
};

// How many losses, and the sum of their mantissas: the fraction's 23 bits below a leading 1, which
// zero and denormals lack. Negatives modulo 2^64 take losses out.
struct LossBin {
  uint64_t count = 0;
  uint64_t mantissas = 0;

  bool operator==(const LossBin&) const = default;
};

class LossHistogram {
 public:
  static constexpr int kFractionBits = 4;
  static constexpr uint32_t kBinsOfExponent = 1 << kFractionBits;
  // Exponent fields of finite losses; 0 is that of zero and of the denormals.
  static constexpr uint32_t kExponents = 255;

  // The bins of one exponent, in the order of their losses.
  using Bins = std::array<LossBin, kBinsOfExponent>;

  // Among the bins of all exponents, that of a loss with these bits.
  static constexpr uint32_t IndexOf(uint32_t bits) { return bits >> (23 - kFractionBits); }

  void Add(uint32_t exponent, const Bins& bins);
  // A finite loss >= 0 so many times.
  void Add(float loss, uint64_t times);
  void Merge(const LossHistogram& other);

  LossQuantiles Quantiles() const;

  bool operator==(const LossHistogram&) const = default;

  // Little-endian: the number of bins that hold something (2 bytes); index (2), count and mantissas
  // (8 each) of each of them, in ascending order. Equal histograms have equal bytes.
  void AppendTo(std::string& bytes) const;
  // InvalidArgument for another length, and for what no `count` losses with this sum, in units of
  // 2^-149, have.
  static absl::StatusOr<LossHistogram> Parse(std::string_view bytes, uint64_t count,
                                             const ExactSum<6>& sum);

 private:
  double MeanAt(uint64_t rank) const;

  // By exponent. Those that hold nothing are left out.
  std::map<uint8_t, Bins> exponents_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_LOSS_HISTOGRAM_H_
