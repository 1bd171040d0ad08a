// The course of a generation in few numbers, at a bounded cost a decision: buckets of equal width
// in steps, which doubles when there are too many.
//
// Plain values, not thread-safe.
//
//   Sparkline sparkline;
//   sparkline.Add(step, {.temperature = 0.7F, .mean = 0.2F, .acted = 1});
#ifndef LEHR_SERVER_CORE_SPARKLINE_H_
#define LEHR_SERVER_CORE_SPARKLINE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lehr {

class Sparkline {
 public:
  static constexpr size_t kMaxBuckets = 48;

  struct Bucket {
    // The greatest. Unit: that of the loss.
    float temperature = 0;
    // That of the last step. Unit: that of the loss.
    float mean = 0;
    // Decisions that changed parameters.
    uint32_t acted = 0;

    bool operator==(const Bucket&) const = default;
  };

  // What was decided at a step, or condensed from the steps up to it. Steps that come late count
  // where they belong.
  void Add(int64_t step, const Bucket& decided);

  // One for each width() steps, oldest first; where nothing was decided, the one before goes on.
  // At most kMaxBuckets.
  std::vector<Bucket> Buckets() const;
  // Unit: steps. A power of two.
  int64_t width() const { return int64_t{1} << shift_; }
  // Where the first bucket begins. 0 where there is none.
  int64_t first_step() const { return filled_.empty() ? 0 : filled_.front().block << shift_; }
  // -1: none.
  int64_t last_step() const { return last_step_; }

 private:
  struct Filled {
    // The steps from block * width() on.
    int64_t block = 0;
    int64_t last_step = 0;
    Bucket bucket;
  };

  static void Merge(const Filled& other, Filled& filled);
  void Insert(const Filled& filled);
  void Widen();

  int shift_ = 0;
  int64_t last_step_ = -1;
  // Those that hold a decision, in the order of steps.
  std::vector<Filled> filled_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_SPARKLINE_H_
