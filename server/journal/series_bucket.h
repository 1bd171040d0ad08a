// What a chart shows of consecutive decisions of a generation: each quantity's least, greatest and
// last value, and what was done. Buckets of buckets are buckets: no spike is lost.
//
// Plain values and pure functions.
#ifndef LEHR_SERVER_JOURNAL_SERIES_BUCKET_H_
#define LEHR_SERVER_JOURNAL_SERIES_BUCKET_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lehr/v1/decision.pb.h"
#include "server/journal/journal.pb.h"

namespace lehr {

struct SeriesExtent {
  double min = 0;
  double max = 0;
  double last = 0;

  bool operator==(const SeriesExtent&) const = default;
};

struct SeriesBucket {
  // Of an observation. The order is that of the rows on the disk: new ones come last.
  enum Quantity : size_t {
    kTemperature,
    kMagnitude,
    kRootMeanSquare,
    kImbalance,
    kMean,
    kMax,
    kDeadExamples,
    kP10,
    kP50,
    kP90,
    kTiedShare,
    kQuantities,
  };

  int64_t first_step = 0;
  int64_t last_step = 0;
  // Of the last decision.
  int64_t closed_unix_ns = 0;
  // Over the decisions that measured something.
  std::array<SeriesExtent, kQuantities> quantities;
  // Over all decisions; 0 where no noise was commanded.
  SeriesExtent stddev;
  // Unit: decisions. Those that measured something, changed parameters, held something back.
  uint32_t decisions = 0;
  uint32_t measured = 0;
  uint32_t acted = 0;
  uint32_t withheld = 0;
  // Unit: actions.
  uint32_t perturbations = 0;
  uint32_t snapshots = 0;
  uint32_t restores = 0;
  uint32_t identities = 0;
  uint32_t learning_rates = 0;

  bool operator==(const SeriesBucket&) const = default;
};

SeriesBucket BucketOf(const v1::Decision& decision);

// Adds the decisions of `other` to `bucket`, in whatever order they come.
void Merge(const SeriesBucket& other, SeriesBucket& bucket);

// Neighbours become one until at most `points` are left: those that lie between two multiples of
// the least power of two that is enough. `buckets`: in the order of steps.
std::vector<SeriesBucket> Folded(std::vector<SeriesBucket> buckets, uint32_t points);

journal::v1::SeriesBucket ToRecord(const SeriesBucket& bucket);
SeriesBucket FromRecord(const journal::v1::SeriesBucket& record);

}  // namespace lehr

#endif  // LEHR_SERVER_JOURNAL_SERIES_BUCKET_H_
