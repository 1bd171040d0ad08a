// The temperature of a step's losses.
//
// Over the n losses l >= 0 of the statistics, with S1 = sum(l), S2 = sum(l^2):
//
//   M = sqrt(S2)      H = log2(S1) - sum(l log2 l) / S1      Hmax = log2(n)
//   I = ((Hmax - H) / Hmax)^2      T = M * I
//
// H is the entropy of the losses' shares l / S1: T is high where few examples hold much of the
// loss. n < 2 or S1 = 0 gives I = T = 0. Equal losses have exactly I = 0, a single positive one I
// = 1.
//
// The same statistics give the same bits on every CPU: entropies are formed in fixed point (Hmax -
// H as one number, so that nearly equal losses lose nothing to cancellation) and rounded once;
// doubles are then only divided, multiplied and square-rooted. M is right to 4e-16 relative. Hmax -
// H has the error of the logarithm in x_log2_x.h, at most 2^-49.9.
#ifndef LEHR_SERVER_CORE_TEMPERATURE_H_
#define LEHR_SERVER_CORE_TEMPERATURE_H_

#include <cstdint>

#include "server/core/loss_statistics.h"

namespace lehr {

// Magnitude, root mean square, mean and temperature have the unit of the loss.
struct Temperature {
  double magnitude = 0;            // M; grows with the count.
  double root_mean_square = 0;     // M / sqrt(n); does not.
  double mean = 0;                 // S1 / n
  double entropy = 0;              // H, in bits, within [0, Hmax].
  double imbalance = 0;            // I, within [0, 1].
  double unsquared_imbalance = 0;  // (Hmax - H) / Hmax, within [0, 1].
  double temperature = 0;          // T
  uint64_t count = 0;              // n

  bool operator==(const Temperature&) const = default;
};

Temperature ComputeTemperature(const LossStatistics& statistics);

// Its `mean` alone.
double MeanLoss(const LossStatistics& statistics);

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_TEMPERATURE_H_
