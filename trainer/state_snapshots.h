// Copies of a model's parameters and its optimizer's state, kept in memory so that a command can go
// back to them. Both must outlive it. Not thread-safe.
//
//   StateSnapshots snapshots(model, optimizer);
//   snapshots.Save(7);
//   ... training ...
//   snapshots.Restore(7);
#ifndef LEHR_TRAINER_STATE_SNAPSHOTS_H_
#define LEHR_TRAINER_STATE_SNAPSHOTS_H_

#include <cstdint>
#include <map>
#include <vector>

#include "trainer/mlp.h"
#include "trainer/optimizer.h"

namespace lehr {

class StateSnapshots {
 public:
  StateSnapshots(Mlp& model, Optimizer& optimizer) : model_(model), optimizer_(optimizer) {}

  // A copy of this id is replaced. False: there is no memory for it, and none of this id is kept.
  bool Save(uint64_t id);
  // The copy must be kept.
  void Restore(uint64_t id);
  void Drop(uint64_t id) { copies_.erase(id); }

  // The memory of one copy. Unit: bytes.
  uint64_t bytes() const;

 private:
  struct Copy {
    std::vector<std::vector<float>> values;
    std::vector<Optimizer::TensorState> optimizer;
  };

  Mlp& model_;
  Optimizer& optimizer_;
  std::map<uint64_t, Copy> copies_;
};

}  // namespace lehr

#endif  // LEHR_TRAINER_STATE_SNAPSHOTS_H_
