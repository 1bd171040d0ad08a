#include "server/core/example_ids.h"

#include <algorithm>
#include <cassert>

#include "server/core/split_mix.h"

namespace lehr {

ExampleIds::ExampleIds() : slots_(16, kEmpty), mask_(slots_.size() - 1) {}

void ExampleIds::Add(uint64_t id) {
  assert(size() < kMostIds);
  ids_.push_back(id);
  if (4 * ids_.size() > 3 * slots_.size()) {
    slots_.assign(2 * slots_.size(), kEmpty);
    mask_ = slots_.size() - 1;
    for (uint32_t position = 0; position < size(); ++position) {
      Place(position, HashAt(position));
    }
    return;
  }
  Place(size() - 1, SplitMix(id));
}

void ExampleIds::Replace(uint32_t position, uint64_t id) {
  Remove(HashAt(position));
  ids_[position] = id;
  Place(position, SplitMix(id));
}

// The tag is never 0, so that no slot in use is kEmpty. It is made of other bits than a slot's
// place (the low ones) and than those that a sample of small hashes has in common (the high ones).
uint32_t ExampleIds::SlotOf(uint32_t position, uint64_t hash) {
  const uint32_t tag = std::max<uint32_t>(static_cast<uint32_t>(hash >> 24) & 1023, 1);
  return (tag << kPositionBits) | position;
}

uint64_t ExampleIds::HashAt(uint32_t position) const { return SplitMix(ids_[position]); }

// The slot that holds the id with this hash, or the empty one where the search ends.
size_t ExampleIds::FindSlot(uint64_t hash) const {
  const uint32_t tag = SlotOf(0, hash);
  size_t place = hash & mask_;
  for (;; place = (place + 1) & mask_) {
    const uint32_t slot = slots_[place];
    // Equal hashes are equal ids.
    if (slot == kEmpty || ((slot & ~(kMostIds - 1)) == tag && HashAt(PositionIn(slot)) == hash)) {
      return place;
    }
  }
}

void ExampleIds::Place(uint32_t position, uint64_t hash) {
  size_t place = hash & mask_;
  while (slots_[place] != kEmpty) {
    place = (place + 1) & mask_;
  }
  slots_[place] = SlotOf(position, hash);
}

// What stands behind the gap and may stand in it moves up, so that no search ends too early.
void ExampleIds::Remove(uint64_t hash) {
  size_t gap = FindSlot(hash);
  for (size_t place = (gap + 1) & mask_; slots_[place] != kEmpty; place = (place + 1) & mask_) {
    const size_t home = HashAt(PositionIn(slots_[place])) & mask_;
    if (((place - home) & mask_) >= ((place - gap) & mask_)) {
      slots_[gap] = slots_[place];
      gap = place;
    }
  }
  slots_[gap] = kEmpty;
}

}  // namespace lehr
