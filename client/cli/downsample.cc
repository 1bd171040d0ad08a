#include "client/cli/downsample.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace lehr {

void Downsampler::Add(int64_t step, double value) {
  if (!std::isfinite(value)) {
    return;
  }
  if (buckets_.empty()) {
    first_step_ = step;
  }
  while ((step - first_step_) / width_ >= static_cast<int64_t>(max_buckets_)) {
    DoubleWidth();
  }
  const CurvePoint point = {step, value};
  const Bucket bucket = {(step - first_step_) / width_, point, point, point};
  if (!buckets_.empty() && buckets_.back().index == bucket.index) {
    Absorb(buckets_.back(), bucket);
  } else {
    buckets_.push_back(bucket);
  }
}

std::vector<CurvePoint> Downsampler::Points() const {
  std::vector<CurvePoint> points;
  for (const Bucket& bucket : buckets_) {
    std::array<CurvePoint, 3> kept = {bucket.least, bucket.greatest, bucket.last};
    std::sort(kept.begin(), kept.end(),
              [](const CurvePoint& a, const CurvePoint& b) { return a.step < b.step; });
    points.insert(points.end(), kept.begin(), std::unique(kept.begin(), kept.end()));
  }
  return points;
}

void Downsampler::DoubleWidth() {
  width_ *= 2;
  std::vector<Bucket> wider;
  for (Bucket& bucket : buckets_) {
    bucket.index /= 2;
    if (!wider.empty() && wider.back().index == bucket.index) {
      Absorb(wider.back(), bucket);
    } else {
      wider.push_back(bucket);
    }
  }
  buckets_ = std::move(wider);
}

void Downsampler::Absorb(Bucket& bucket, const Bucket& later) {
  if (later.least.value < bucket.least.value) {
    bucket.least = later.least;
  }
  if (later.greatest.value > bucket.greatest.value) {
    bucket.greatest = later.greatest;
  }
  bucket.last = later.last;
}

}  // namespace lehr
