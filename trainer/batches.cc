#include "trainer/batches.h"

#include <algorithm>
#include <numeric>

#include "trainer/random.h"

namespace lehr {

Batches::Batches(const Examples& examples, int64_t features, int64_t batch_size, uint64_t seed)
    : examples_(examples),
      features_(features),
      batch_size_(std::min(batch_size, examples.size())),
      steps_per_epoch_((examples.size() + batch_size_ - 1) / batch_size_),
      seed_(seed) {
  if (steps_per_epoch_ == 1) {
    order_.resize(examples.size());
    std::iota(order_.begin(), order_.end(), uint64_t{0});
  } else {
    inputs_.resize(batch_size_ * features);
    labels_.resize(batch_size_);
  }
}

Batch Batches::At(int64_t step) {
  if (steps_per_epoch_ == 1) {
    return {order_, examples_.inputs.data(), examples_.labels};
  }
  const int64_t epoch = step / steps_per_epoch_;
  if (epoch != epoch_) {
    order_ = RandomPermutation(examples_.size(), StreamSeed(seed_, RandomStream::kShuffle, epoch));
    epoch_ = epoch;
  }
  const int64_t begin = step % steps_per_epoch_ * batch_size_;
  const int64_t size = std::min(batch_size_, examples_.size() - begin);
  const auto ids = absl::MakeConstSpan(order_).subspan(begin, size);
  for (int64_t row = 0; row < size; ++row) {
    const auto id = static_cast<int64_t>(ids[row]);
    std::copy_n(examples_.inputs.data() + id * features_, features_,
                inputs_.data() + row * features_);
    labels_[row] = examples_.labels[id];
  }
  return {ids, inputs_.data(), absl::MakeConstSpan(labels_).first(size)};
}

}  // namespace lehr
