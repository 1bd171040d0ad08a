// A curve of any length as a bounded number of points that never loses a spike.
//
// The steps are cut into buckets of equal width, of which each keeps its least, its greatest and
// its last value, at the steps where they were. The width doubles whenever more buckets than
// allowed would be needed, so that one pass is enough and memory is bounded.
//
//   Downsampler curve(/*max_buckets=*/300);
//   for (...) curve.Add(step, value);
//   Draw(curve.Points());
#ifndef LEHR_CLIENT_CLI_DOWNSAMPLE_H_
#define LEHR_CLIENT_CLI_DOWNSAMPLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lehr {

struct CurvePoint {
  int64_t step = 0;
  double value = 0;

  bool operator==(const CurvePoint&) const = default;
};

class Downsampler {
 public:
  // Bound: max_buckets >= 1.
  explicit Downsampler(size_t max_buckets) : max_buckets_(max_buckets) {}

  // `step` is greater than that of the call before. A value that is not finite is left out.
  void Add(int64_t step, double value);

  // In the order of their steps; at most three a bucket, and all of them while they fit.
  std::vector<CurvePoint> Points() const;

 private:
  struct Bucket {
    int64_t index;
    CurvePoint least;
    CurvePoint greatest;
    CurvePoint last;
  };

  void DoubleWidth();
  static void Absorb(Bucket& bucket, const Bucket& later);

  const size_t max_buckets_;
  int64_t first_step_ = 0;
  int64_t width_ = 1;
  // Those that have values, in their order.
  std::vector<Bucket> buckets_;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_CLI_DOWNSAMPLE_H_
