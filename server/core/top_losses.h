// The highest losses with the examples that have them, and the greatest loss of all.
//
// An example occurs once, with its highest loss; equal losses are ordered by id. So the same losses
// give the same entries in any order, any split and any tree of merges. Losses that LossStatistics
// excludes are left out. Nothing can be taken out again. Not thread-safe.
//
//   TopLosses top;
//   top.Add({0.5f, 2.0f}, {17, 4});
//   top.entries()[0];  // {.example_id = 4, .loss = 2}
#ifndef LEHR_SERVER_CORE_TOP_LOSSES_H_
#define LEHR_SERVER_CORE_TOP_LOSSES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace lehr {

struct ExampleLoss {
  uint64_t example_id = 0;
  float loss = 0;  // unit: that of the loss

  bool operator==(const ExampleLoss&) const = default;
};

// Highest loss first, then lowest id.
inline bool ComesBefore(const ExampleLoss& a, const ExampleLoss& b) {
  return a.loss != b.loss ? a.loss > b.loss : a.example_id < b.example_id;
}

class TopLosses {
 public:
  static constexpr size_t kDefaultCapacity = 16;

  // Keeps at most `capacity` entries.
  explicit TopLosses(size_t capacity = kDefaultCapacity) : capacity_(capacity) {}

  // Adds RN32(loss + loss_offset) for each loss. `example_ids`: as many as losses, or none where
  // the trainer has none; then only the maximum is kept.
  void Add(absl::Span<const float> losses, absl::Span<const uint64_t> example_ids,
           float loss_offset = 0);
  void Merge(const TopLosses& other);

  // The greatest loss; 0 where there is none.
  float max() const { return max_; }
  // Highest loss first, then lowest id.
  const std::vector<ExampleLoss>& entries() const { return entries_; }

  bool operator==(const TopLosses&) const = default;

 private:
  void Offer(const ExampleLoss& candidate);

  size_t capacity_;
  float max_ = 0;
  std::vector<ExampleLoss> entries_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_TOP_LOSSES_H_
