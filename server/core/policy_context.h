// What a policy knows of a closed step beside its observation.
#ifndef LEHR_SERVER_CORE_POLICY_CONTEXT_H_
#define LEHR_SERVER_CORE_POLICY_CONTEXT_H_

#include <cstdint>
#include <vector>

namespace lehr {

struct PolicyContext {
  int64_t step = 0;
  // The step before whose forward pass a command of this step is applied.
  int64_t apply_step = 1;
  // Usable losses that were reported at this step, and examples of the data set: so many losses are
  // one pass over it. 0 examples: every step is a pass.
  uint64_t losses = 0;
  uint64_t dataset_examples = 0;
  // How many snapshots every rank can hold, and those that all of them hold now.
  uint32_t snapshot_capacity = 0;
  std::vector<uint64_t> snapshots;
  // Whether a tensor was declared square, and whether every rank can scale its learning rate.
  bool can_set_identity = false;
  bool can_scale_learning_rate = false;
};

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_POLICY_CONTEXT_H_
