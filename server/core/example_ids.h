// Example ids, each at a position from 0 on, and the way back from an id to its position.
//
// Open addressing with linear probing. A slot has 22 bits of position and 10 bits of hash, so that
// a probe seldom looks at a wrong id: 8 bytes an id, and 5 to 11 in slots. Positions never move.
// Finding, adding and replacing take constant expected time; adding doubles the slots now and then,
// which costs constant time an id added. Not thread-safe.
#ifndef LEHR_SERVER_CORE_EXAMPLE_IDS_H_
#define LEHR_SERVER_CORE_EXAMPLE_IDS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lehr {

class ExampleIds {
 public:
  static constexpr uint32_t kMostIds = uint32_t{1} << 22;
  static constexpr uint32_t kNone = UINT32_MAX;

  ExampleIds();

  uint32_t size() const { return static_cast<uint32_t>(ids_.size()); }
  uint64_t operator[](uint32_t position) const { return ids_[position]; }

  // The position of the id with this hash (SplitMix(id)), or kNone.
  uint32_t Find(uint64_t hash) const {
    const uint32_t slot = slots_[FindSlot(hash)];
    return slot == kEmpty ? kNone : PositionIn(slot);
  }
  // A Find is faster after PrefetchSlot and then PrefetchId, each some while before. The latter
  // tells the position where it will probably be found, for the caller's own memory.
  void PrefetchSlot(uint64_t hash) const { __builtin_prefetch(&slots_[hash & mask_]); }
  uint32_t PrefetchId(uint64_t hash) const {
    const uint32_t position = PositionIn(slots_[hash & mask_]);
    __builtin_prefetch(ids_.data() + position);
    return position;
  }

  // A new id, at position size(). size() < kMostIds.
  void Add(uint64_t id);
  // A new id in the place of the one at `position`.
  void Replace(uint32_t position, uint64_t id);

 private:
  static constexpr int kPositionBits = 22;
  static constexpr uint32_t kEmpty = 0;

  static uint32_t PositionIn(uint32_t slot) { return slot & (kMostIds - 1); }
  static uint32_t SlotOf(uint32_t position, uint64_t hash);

  uint64_t HashAt(uint32_t position) const;
  size_t FindSlot(uint64_t hash) const;
  void Place(uint32_t position, uint64_t hash);
  void Remove(uint64_t hash);

  std::vector<uint64_t> ids_;
  // A power of two of them.
  std::vector<uint32_t> slots_;
  uint64_t mask_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_EXAMPLE_IDS_H_
