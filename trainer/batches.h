// The batch of each training step: every epoch goes once through all examples, in an order drawn
// anew from the seed and the epoch. The last batch of an epoch may be smaller. A batch that holds
// all examples keeps their order.
//
//   Batches batches(dataset.train, dataset.features, /*batch_size=*/128, /*seed=*/1);
//   const Batch& batch = batches.At(step);
//
// The batch of a step depends on nothing but the seed and the step, so that a resumed run needs no
// other position. At() allocates only when an epoch begins. An object serves one thread at a time.
#ifndef LEHR_TRAINER_BATCHES_H_
#define LEHR_TRAINER_BATCHES_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "trainer/dataset.h"

namespace lehr {

struct Batch {
  absl::Span<const uint64_t> example_ids;
  // [example_ids.size(), features]
  const float* inputs;
  absl::Span<const int32_t> labels;
};

class Batches {
 public:
  // The examples must outlive the object. batch_size is at least 1.
  Batches(const Examples& examples, int64_t features, int64_t batch_size, uint64_t seed);

  // Valid until the next call.
  Batch At(int64_t step);

  int64_t steps_per_epoch() const { return steps_per_epoch_; }

 private:
  const Examples& examples_;
  const int64_t features_;
  const int64_t batch_size_;
  const int64_t steps_per_epoch_;
  const uint64_t seed_;
  int64_t epoch_ = -1;
  std::vector<uint64_t> order_;
  std::vector<float> inputs_;
  std::vector<int32_t> labels_;
};

}  // namespace lehr

#endif  // LEHR_TRAINER_BATCHES_H_
