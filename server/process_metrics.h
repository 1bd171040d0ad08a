// What /proc says about this process, under the names that Prometheus' clients share: processor
// time, memory, file descriptors, start. What cannot be read is left out.
#ifndef LEHR_SERVER_PROCESS_METRICS_H_
#define LEHR_SERVER_PROCESS_METRICS_H_

#include <prometheus/metric_family.h>

#include <vector>

namespace lehr {

// Thread-safe. Reads /proc anew at each call.
std::vector<prometheus::MetricFamily> CollectProcessMetrics();

}  // namespace lehr

#endif  // LEHR_SERVER_PROCESS_METRICS_H_
