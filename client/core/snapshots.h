// The snapshots of its training state that a rank holds for commands to bring back.
//
// The copies are the trainer's, made and restored by what it lends; which of them there are is kept
// here: at most `capacity`, and of more the oldest goes. Not thread-safe.
//
//   Snapshots snapshots({.capacity = 2, .save = ..., .restore = ..., .drop = ...});
//   snapshots.Save(7);
//   if (snapshots.Holds(7)) snapshots.Restore(7);
#ifndef LEHR_CLIENT_CORE_SNAPSHOTS_H_
#define LEHR_CLIENT_CORE_SNAPSHOTS_H_

#include <cstdint>
#include <functional>
#include <vector>

namespace lehr {

inline constexpr uint32_t kMaxSnapshots = 8;

// What a trainer lends so that commands can go back to an earlier state of it. All ranks of a run
// lend the same. Called on the thread of Step.
struct SnapshotHooks {
  // The most copies at a time. Unit: snapshots. Bound: [1, kMaxSnapshots]; 0: there are none.
  uint32_t capacity = 0;
  // The memory of one, for display. Unit: bytes.
  uint64_t bytes = 0;
  // What a copy holds beside the parameters.
  bool optimizer_state = false;
  bool buffers = false;
  // Copies the state. False: it could not, for want of memory for instance; then this rank does not
  // hold the snapshot, and no rank will be asked for it.
  std::function<bool(uint64_t id)> save;
  // Makes the state that of a copy which is held. Must not fail: the other ranks do the same.
  std::function<void(uint64_t id)> restore;
  // A copy is not needed any more.
  std::function<void(uint64_t id)> drop;
};

class Snapshots {
 public:
  explicit Snapshots(SnapshotHooks hooks);

  // Whether any can be taken.
  bool supported() const { return hooks_.capacity > 0; }
  bool Holds(uint64_t id) const;
  // A snapshot of this id that is held already is replaced.
  void Save(uint64_t id);
  // Call it for what is held only.
  void Restore(uint64_t id) const { hooks_.restore(id); }
  void DropAll();

  // Oldest first.
  const std::vector<uint64_t>& held() const { return held_; }

 private:
  void Drop(std::vector<uint64_t>::const_iterator position);

  const SnapshotHooks hooks_;
  std::vector<uint64_t> held_;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_SNAPSHOTS_H_
