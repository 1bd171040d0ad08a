#include "server/core/observation.h"

#include <algorithm>

namespace lehr {

Observation MakeObservation(const LossStatistics& losses, const TiedLosses& tied,
                            const TopLosses& top) {
  return {.temperature = ComputeTemperature(losses),
          .quantiles = losses.histogram().Quantiles(),
          .max = top.max(),
          .excluded = losses.excluded(),
          .tied_share = tied.share(),
          .highest = top.entries()};
}

Observation MakeObservation(const ExampleTable& table, const ExcludedLosses& excluded,
                            const TiedLosses& tied, uint64_t dataset_examples) {
  Observation observation = {.temperature = ComputeTemperature(table.statistics()),
                             .quantiles = table.statistics().histogram().Quantiles(),
                             .excluded = excluded,
                             .tied_share = tied.share(),
                             .highest = table.Highest(),
                             .dead_examples = table.dead(),
                             .dead = table.HighestDead()};
  if (!observation.highest.empty()) {
    observation.max = observation.highest[0].loss;
  }
  const uint64_t expected = std::min<uint64_t>(dataset_examples, table.capacity());
  const uint64_t known = std::min(observation.temperature.count, expected);
  observation.coverage = static_cast<double>(known) / static_cast<double>(expected);
  return observation;
}

}  // namespace lehr
