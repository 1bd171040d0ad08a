// The batch of each training step: every epoch goes once through all examples, in an order drawn
// anew from the seed and the epoch. The last batch of an epoch may be smaller. A batch that holds
// all examples keeps their order.
//
//   Batches batches(dataset.train, dataset.features, /*batch_size=*/128, /*seed=*/1);
//   const Batch& batch = batches.At(step);
//
// Ranks that train together split each batch into consecutive shares, whose sizes differ by one at
// most; the batches are the same for any number of ranks.
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

// Which share of each batch is wanted.
struct Share {
  // [0, ranks).
  int64_t rank = 0;
  // At least 1.
  int64_t ranks = 1;
};

struct Batch {
  // Of the share. It is empty where the batch has fewer examples than there are ranks.
  absl::Span<const uint64_t> example_ids;
  // [example_ids.size(), features]
  const float* inputs;
  absl::Span<const int32_t> labels;
  // Of the whole batch, and where the share begins in it.
  absl::Span<const uint64_t> all_example_ids;
  int64_t share_begin;
};

class Batches {
 public:
  // The examples must outlive the object. batch_size is at least 1.
  Batches(const Examples& examples, int64_t features, int64_t batch_size, uint64_t seed,
          const Share& share = {});

  // Valid until the next call.
  Batch At(int64_t step);

  int64_t steps_per_epoch() const { return steps_per_epoch_; }

 private:
  // Copies the examples into inputs_ and labels_.
  void Gather(absl::Span<const uint64_t> example_ids);

  const Examples& examples_;
  const int64_t features_;
  const int64_t batch_size_;
  const int64_t steps_per_epoch_;
  const uint64_t seed_;
  const Share share_;
  int64_t epoch_ = -1;
  std::vector<uint64_t> order_;
  std::vector<float> inputs_;
  std::vector<int32_t> labels_;
};

}  // namespace lehr

#endif  // LEHR_TRAINER_BATCHES_H_
