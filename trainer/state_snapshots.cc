#include "trainer/state_snapshots.h"

#include <algorithm>
#include <new>
#include <utility>

namespace lehr {

bool StateSnapshots::Save(uint64_t id) {
  copies_.erase(id);
  try {
    Copy copy;
    for (const ModelTensor& tensor : model_.tensors()) {
      copy.values.emplace_back(tensor.values.begin(), tensor.values.end());
    }
    copy.optimizer.assign(optimizer_.states().begin(), optimizer_.states().end());
    copies_.emplace(id, std::move(copy));
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void StateSnapshots::Restore(uint64_t id) {
  const Copy& copy = copies_.at(id);
  for (size_t i = 0; i < copy.values.size(); ++i) {
    std::copy(copy.values[i].begin(), copy.values[i].end(), model_.tensors()[i].values.begin());
    optimizer_.states()[i] = copy.optimizer[i];
  }
}

uint64_t StateSnapshots::bytes() const {
  uint64_t floats = 0;
  for (const ModelTensor& tensor : model_.tensors()) {
    floats += tensor.values.size();
  }
  for (const Optimizer::TensorState& state : optimizer_.states()) {
    floats += state.first_moment.size() + state.second_moment.size();
  }
  return floats * sizeof(float);
}

}  // namespace lehr
