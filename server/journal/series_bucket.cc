#include "server/journal/series_bucket.h"

#include <algorithm>
#include <utility>

namespace lehr {
namespace {

SeriesExtent Constant(double value) { return {.min = value, .max = value, .last = value}; }

void Merge(const SeriesExtent& other, bool newer, SeriesExtent& extent) {
  extent.min = std::min(extent.min, other.min);
  extent.max = std::max(extent.max, other.max);
  extent.last = newer ? other.last : extent.last;
}

// Blocks of 2^shift steps that a bucket begins in.
size_t CountBlocks(const std::vector<SeriesBucket>& buckets, int shift) {
  size_t blocks = 0;
  for (size_t i = 0; i < buckets.size(); ++i) {
    blocks += i == 0 || buckets[i - 1].first_step >> shift != buckets[i].first_step >> shift;
  }
  return blocks;
}

}  // namespace

SeriesBucket BucketOf(const v1::Decision& decision) {
  const v1::Observation& observation = decision.observation();
  SeriesBucket bucket = {.first_step = decision.step(),
                         .last_step = decision.step(),
                         .closed_unix_ns = decision.closed_unix_ns(),
                         .decisions = 1,
                         .measured = observation.count() > 0,
                         .withheld = !decision.withheld().empty()};
  if (bucket.measured > 0) {
    const auto set = [&](SeriesBucket::Quantity quantity, double value) {
      bucket.quantities[quantity] = Constant(value);
    };
    set(SeriesBucket::kTemperature, observation.temperature());
    set(SeriesBucket::kMagnitude, observation.magnitude());
    set(SeriesBucket::kRootMeanSquare, observation.root_mean_square());
    set(SeriesBucket::kImbalance, observation.imbalance());
    set(SeriesBucket::kMean, observation.mean());
    set(SeriesBucket::kMax, observation.max());
    set(SeriesBucket::kDeadExamples, static_cast<double>(observation.dead_examples()));
    set(SeriesBucket::kP10, observation.p10());
    set(SeriesBucket::kP50, observation.p50());
    set(SeriesBucket::kP90, observation.p90());
    set(SeriesBucket::kTiedShare, observation.tied_share());
  }
  double stddev = 0;
  for (const v1::Action& action : decision.actions()) {
    bucket.perturbations += action.has_perturb();
    bucket.snapshots += action.has_snapshot();
    bucket.restores += action.has_restore();
    bucket.identities += action.has_identity();
    bucket.learning_rates += action.has_learning_rate();
    stddev = std::max<double>(stddev, action.perturb().stddev());
  }
  bucket.stddev = Constant(stddev);
  bucket.acted = bucket.perturbations + bucket.restores + bucket.identities > 0;
  return bucket;
}

void Merge(const SeriesBucket& other, SeriesBucket& bucket) {
  const bool newer = other.last_step > bucket.last_step;
  if (bucket.measured == 0) {
    bucket.quantities = other.quantities;
  } else if (other.measured > 0) {
    for (size_t i = 0; i < SeriesBucket::kQuantities; ++i) {
      Merge(other.quantities[i], newer, bucket.quantities[i]);
    }
  }
  Merge(other.stddev, newer, bucket.stddev);
  bucket.closed_unix_ns = newer ? other.closed_unix_ns : bucket.closed_unix_ns;
  bucket.first_step = std::min(bucket.first_step, other.first_step);
  bucket.last_step = std::max(bucket.last_step, other.last_step);
  bucket.decisions += other.decisions;
  bucket.measured += other.measured;
  bucket.acted += other.acted;
  bucket.withheld += other.withheld;
  bucket.perturbations += other.perturbations;
  bucket.snapshots += other.snapshots;
  bucket.restores += other.restores;
  bucket.identities += other.identities;
  bucket.learning_rates += other.learning_rates;
}

std::vector<SeriesBucket> Folded(std::vector<SeriesBucket> buckets, uint32_t points) {
  int shift = 0;
  while (CountBlocks(buckets, shift) > points) {
    ++shift;
  }
  size_t end = 0;
  for (size_t i = 0; i < buckets.size(); ++i) {
    if (end > 0 && buckets[end - 1].first_step >> shift == buckets[i].first_step >> shift) {
      Merge(buckets[i], buckets[end - 1]);
    } else {
      std::swap(buckets[end++], buckets[i]);
    }
  }
  buckets.resize(end);
  return buckets;
}

journal::v1::SeriesBucket ToRecord(const SeriesBucket& bucket) {
  journal::v1::SeriesBucket record;
  record.set_first_step(bucket.first_step);
  record.set_last_step(bucket.last_step);
  record.set_closed_unix_ns(bucket.closed_unix_ns);
  if (bucket.measured > 0) {
    for (const SeriesExtent& extent : bucket.quantities) {
      record.add_min(extent.min);
      record.add_max(extent.max);
      record.add_last(extent.last);
    }
  }
  record.set_stddev_min(bucket.stddev.min);
  record.set_stddev_max(bucket.stddev.max);
  record.set_stddev_last(bucket.stddev.last);
  record.set_decisions(bucket.decisions);
  record.set_measured(bucket.measured);
  record.set_acted(bucket.acted);
  record.set_withheld(bucket.withheld);
  record.set_perturbations(bucket.perturbations);
  record.set_snapshots(bucket.snapshots);
  record.set_restores(bucket.restores);
  record.set_identities(bucket.identities);
  record.set_learning_rates(bucket.learning_rates);
  return record;
}

SeriesBucket FromRecord(const journal::v1::SeriesBucket& record) {
  SeriesBucket bucket = {.first_step = record.first_step(),
                         .last_step = record.last_step(),
                         .closed_unix_ns = record.closed_unix_ns(),
                         .stddev = {record.stddev_min(), record.stddev_max(), record.stddev_last()},
                         .decisions = record.decisions(),
                         .measured = record.measured(),
                         .acted = record.acted(),
                         .withheld = record.withheld(),
                         .perturbations = record.perturbations(),
                         .snapshots = record.snapshots(),
                         .restores = record.restores(),
                         .identities = record.identities(),
                         .learning_rates = record.learning_rates()};
  // A row of an older lehrd may have fewer quantities.
  const int known = std::min({record.min_size(), record.max_size(), record.last_size(),
                              static_cast<int>(SeriesBucket::kQuantities)});
  for (int i = 0; i < known; ++i) {
    bucket.quantities[i] = {record.min(i), record.max(i), record.last(i)};
  }
  return bucket;
}

}  // namespace lehr
