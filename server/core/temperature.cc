#include "server/core/temperature.h"

#include <algorithm>
#include <cmath>

#include "server/core/big_integer.h"
#include "server/core/fixed_log2.h"

namespace lehr {
namespace {

// Hmax - H = log2(n) - log2(S1) + sum(l log2 l) / S1 in the units of FixedLog2, within [0, Hmax].
BigInteger EntropyDeficit(const LossStatistics& statistics, const BigInteger& greatest_entropy) {
  const BigInteger sum = ToBigInteger(statistics.sum().limbs());
  const BigInteger square_of_sum = sum * sum;
  const BigInteger sum_of_squares = ToBigInteger(statistics.sum_of_squares().limbs());
  // The two ends are decided by integers: all losses equal, and all but one zero.
  if (square_of_sum == sum_of_squares * statistics.count()) {
    return 0;
  }
  if (square_of_sum == sum_of_squares) {
    return greatest_entropy;
  }
  constexpr int kQuotientBits =
      kFixedLog2Bits + LossStatistics::kXLog2XUnit - LossStatistics::kSumUnit;
  const BigInteger mean_logarithm =
      (ToBigInteger(statistics.x_log2_x().limbs()) << kQuotientBits) / sum;
  const BigInteger logarithm_of_sum =
      FixedLog2(sum) + (BigInteger(LossStatistics::kSumUnit) << kFixedLog2Bits);
  const BigInteger deficit = greatest_entropy - logarithm_of_sum + mean_logarithm;
  return std::clamp(deficit, BigInteger(0), greatest_entropy);
}

}  // namespace

Temperature ComputeTemperature(const LossStatistics& statistics) {
  Temperature result = {.count = statistics.count()};
  if (result.count == 0) {
    return result;
  }
  const BigInteger sum = ToBigInteger(statistics.sum().limbs());
  const double sum_of_squares = RoundToDouble(ToBigInteger(statistics.sum_of_squares().limbs()),
                                              LossStatistics::kSumOfSquaresUnit);
  const double count = RoundToDouble(result.count, /*exponent=*/0);
  result.magnitude = std::sqrt(sum_of_squares);
  result.root_mean_square = std::sqrt(sum_of_squares / count);
  result.mean = MeanLoss(statistics);
  if (result.count < 2 || sum <= 0) {
    return result;
  }
  const BigInteger greatest_entropy = FixedLog2(result.count);
  const BigInteger deficit = EntropyDeficit(statistics, greatest_entropy);
  result.entropy = RoundToDouble(greatest_entropy - deficit, -kFixedLog2Bits);
  result.unsquared_imbalance =
      RoundToDouble(deficit, -kFixedLog2Bits) / RoundToDouble(greatest_entropy, -kFixedLog2Bits);
  result.imbalance = result.unsquared_imbalance * result.unsquared_imbalance;
  result.temperature = result.magnitude * result.imbalance;
  return result;
}

double MeanLoss(const LossStatistics& statistics) {
  if (statistics.count() == 0) {
    return 0;
  }
  const BigInteger sum = ToBigInteger(statistics.sum().limbs());
  return RoundToDouble(sum, LossStatistics::kSumUnit) /
         RoundToDouble(statistics.count(), /*exponent=*/0);
}

}  // namespace lehr
