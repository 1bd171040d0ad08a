#include "server/core/sparkline.h"

#include <algorithm>
#include <utility>

namespace lehr {

void Sparkline::Add(int64_t step, const Bucket& decided) {
  last_step_ = std::max(last_step_, step);
  Insert({.block = step >> shift_, .last_step = step, .bucket = decided});
  while (filled_.back().block - filled_.front().block >= static_cast<int64_t>(kMaxBuckets)) {
    Widen();
  }
}

void Sparkline::Merge(const Filled& other, Filled& filled) {
  Bucket& bucket = filled.bucket;
  bucket.temperature = std::max(bucket.temperature, other.bucket.temperature);
  bucket.acted += other.bucket.acted;
  if (other.last_step > filled.last_step) {
    bucket.mean = other.bucket.mean;
    filled.last_step = other.last_step;
  }
}

void Sparkline::Insert(const Filled& filled) {
  const auto place =
      std::lower_bound(filled_.begin(), filled_.end(), filled.block,
                       [](const Filled& present, int64_t block) { return present.block < block; });
  if (place != filled_.end() && place->block == filled.block) {
    Merge(filled, *place);
  } else {
    filled_.insert(place, filled);
  }
}

void Sparkline::Widen() {
  ++shift_;
  const std::vector<Filled> narrow = std::exchange(filled_, {});
  for (Filled filled : narrow) {
    filled.block >>= 1;
    Insert(filled);
  }
}

std::vector<Sparkline::Bucket> Sparkline::Buckets() const {
  std::vector<Bucket> buckets;
  for (const Filled& filled : filled_) {
    const auto place = static_cast<size_t>(filled.block - filled_.front().block);
    while (buckets.size() < place) {
      Bucket repeated = buckets.back();
      repeated.acted = 0;
      buckets.push_back(repeated);
    }
    buckets.push_back(filled.bucket);
  }
  return buckets;
}

}  // namespace lehr
