// What the losses were when a step closed, as a policy sees it: those of the step, or the latest
// ones of the data set.
#ifndef LEHR_SERVER_CORE_OBSERVATION_H_
#define LEHR_SERVER_CORE_OBSERVATION_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "server/core/example_table.h"
#include "server/core/loss_histogram.h"
#include "server/core/loss_statistics.h"
#include "server/core/temperature.h"
#include "server/core/tied_losses.h"
#include "server/core/top_losses.h"

namespace lehr {

struct Observation {
  Temperature temperature;
  LossQuantiles quantiles;
  // The greatest loss; unit: that of the loss. 0 where there is none.
  double max = 0;
  // Losses of the step that reached no sum.
  ExcludedLosses excluded;
  // See Observation.tied_share in decision.proto. Of the step's own losses in any scope.
  std::optional<double> tied_share;
  // The highest losses with their examples, highest first.
  std::vector<ExampleLoss> highest;
  // Of the examples that the table could hold, the share that it does. 0 where there is no table.
  double coverage = 0;
  // See ExampleTable: how many, and those with the highest losses.
  uint64_t dead_examples = 0;
  std::vector<ExampleLoss> dead;
};

// Of a step's own losses.
Observation MakeObservation(const LossStatistics& losses, const TiedLosses& tied,
                            const TopLosses& top);
// Of a data set of `dataset_examples` > 0 examples; `excluded` and `tied` are of the step.
Observation MakeObservation(const ExampleTable& table, const ExcludedLosses& excluded,
                            const TiedLosses& tied, uint64_t dataset_examples);

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_OBSERVATION_H_
