#include "server/core/observation.h"

namespace lehr {

Observation MakeObservation(const LossStatistics& losses, const TopLosses& top) {
  return {.temperature = ComputeTemperature(losses),
          .max = top.max(),
          .excluded = losses.excluded(),
          .highest = top.entries()};
}

}  // namespace lehr
