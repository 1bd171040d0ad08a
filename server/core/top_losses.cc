#include "server/core/top_losses.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace lehr {

void TopLosses::Add(absl::Span<const float> losses, absl::Span<const uint64_t> example_ids,
                    float loss_offset) {
  assert(example_ids.empty() || example_ids.size() == losses.size());
  for (size_t i = 0; i < losses.size(); ++i) {
    const float loss = losses[i] + loss_offset;
    if (!std::isfinite(loss) || loss < 0) {
      continue;
    }
    max_ = std::max(max_, loss);
    if (!example_ids.empty()) {
      // abs: -0 is 0.
      Offer({.example_id = example_ids[i], .loss = std::abs(loss)});
    }
  }
}

void TopLosses::Merge(const TopLosses& other) {
  max_ = std::max(max_, other.max_);
  for (const ExampleLoss& entry : other.entries_) {
    Offer(entry);
  }
}

void TopLosses::Offer(const ExampleLoss& candidate) {
  // Before the search: where the list is full, nearly all losses end here.
  if (entries_.size() >= capacity_ &&
      (capacity_ == 0 || !ComesBefore(candidate, entries_.back()))) {
    return;
  }
  const auto known = std::find_if(
      entries_.begin(), entries_.end(),
      [&candidate](const ExampleLoss& entry) { return entry.example_id == candidate.example_id; });
  if (known != entries_.end()) {
    if (known->loss >= candidate.loss) {
      return;
    }
    entries_.erase(known);
  } else if (entries_.size() >= capacity_) {
    entries_.pop_back();
  }
  entries_.insert(std::upper_bound(entries_.begin(), entries_.end(), candidate, ComesBefore),
                  candidate);
}

}  // namespace lehr
