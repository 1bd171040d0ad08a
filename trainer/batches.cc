#include "trainer/batches.h"

#include <algorithm>
#include <numeric>

#include "trainer/random.h"

namespace lehr {

Batches::Batches(const Examples& examples, int64_t features, int64_t batch_size, uint64_t seed,
                 const Share& share)
    : examples_(examples),
      features_(features),
      batch_size_(std::min(batch_size, examples.size())),
      steps_per_epoch_((examples.size() + batch_size_ - 1) / batch_size_),
      seed_(seed),
      share_(share) {
  if (steps_per_epoch_ == 1) {
    order_.resize(examples.size());
    std::iota(order_.begin(), order_.end(), uint64_t{0});
  } else {
    const int64_t most_rows = (batch_size_ + share.ranks - 1) / share.ranks;
    inputs_.resize(most_rows * features);
    labels_.resize(most_rows);
  }
}

Batch Batches::At(int64_t step) {
  if (steps_per_epoch_ > 1) {
    const int64_t epoch = step / steps_per_epoch_;
    if (epoch != epoch_) {
      order_ =
          RandomPermutation(examples_.size(), StreamSeed(seed_, RandomStream::kShuffle, epoch));
      epoch_ = epoch;
    }
  }
  const int64_t begin = step % steps_per_epoch_ * batch_size_;
  const int64_t size = std::min(batch_size_, examples_.size() - begin);
  const int64_t share_begin = size * share_.rank / share_.ranks;
  const int64_t share_size = size * (share_.rank + 1) / share_.ranks - share_begin;
  Batch batch = {.all_example_ids = absl::MakeConstSpan(order_).subspan(begin, size),
                 .share_begin = share_begin};
  batch.example_ids = batch.all_example_ids.subspan(share_begin, share_size);
  if (steps_per_epoch_ == 1) {
    batch.inputs = examples_.inputs.data() + share_begin * features_;
    batch.labels = absl::MakeConstSpan(examples_.labels).subspan(share_begin, share_size);
  } else {
    Gather(batch.example_ids);
    batch.inputs = inputs_.data();
    batch.labels = absl::MakeConstSpan(labels_).first(share_size);
  }
  return batch;
}

void Batches::Gather(absl::Span<const uint64_t> example_ids) {
  for (size_t row = 0; row < example_ids.size(); ++row) {
    const uint64_t id = example_ids[row];
    std::copy_n(examples_.inputs.data() + id * features_, features_,
                inputs_.data() + row * features_);
    labels_[row] = examples_.labels[id];
  }
}

}  // namespace lehr
