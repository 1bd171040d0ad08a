#include "client/core/snapshots.h"

#include <algorithm>
#include <utility>

namespace lehr {

Snapshots::Snapshots(SnapshotHooks hooks) : hooks_(std::move(hooks)) {}

bool Snapshots::Holds(uint64_t id) const {
  return std::find(held_.begin(), held_.end(), id) != held_.end();
}

void Snapshots::Save(uint64_t id) {
  if (Holds(id)) {
    Drop(std::find(held_.begin(), held_.end(), id));
  } else if (held_.size() >= hooks_.capacity) {
    Drop(held_.begin());
  }
  if (hooks_.save(id)) {
    held_.push_back(id);
  }
}

void Snapshots::DropAll() {
  while (!held_.empty()) {
    Drop(held_.begin());
  }
}

void Snapshots::Drop(std::vector<uint64_t>::const_iterator position) {
  hooks_.drop(*position);
  held_.erase(position);
}

}  // namespace lehr
