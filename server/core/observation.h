// What the closed step's losses were, as a policy sees it.
#ifndef LEHR_SERVER_CORE_OBSERVATION_H_
#define LEHR_SERVER_CORE_OBSERVATION_H_

#include <vector>

#include "server/core/loss_statistics.h"
#include "server/core/temperature.h"
#include "server/core/top_losses.h"

namespace lehr {

struct Observation {
  Temperature temperature;
  // The greatest loss; unit: that of the loss. 0 where there is none.
  double max = 0;
  // Losses that reached no sum.
  ExcludedLosses excluded;
  // The highest losses with their examples, highest first.
  std::vector<ExampleLoss> highest;
};

Observation MakeObservation(const LossStatistics& losses, const TopLosses& top);

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_OBSERVATION_H_
