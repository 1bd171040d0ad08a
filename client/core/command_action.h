// What a command holds: one action after another, each done by every rank or by none.
#ifndef LEHR_CLIENT_CORE_COMMAND_ACTION_H_
#define LEHR_CLIENT_CORE_COMMAND_ACTION_H_

#include <cstdint>
#include <variant>

#include "client/core/perturbation.h"

namespace lehr {

// Keep a copy of the training state under this id.
struct TakeSnapshot {
  uint64_t id = 0;
};

// Make the training state what it was at the snapshot of this id.
struct RestoreSnapshot {
  uint64_t id = 0;
};

// Make the tensors that were declared square the identity matrix.
struct SetIdentity {};

// Multiply the learning rate by this, in place of the factor before it. (0, 1].
struct ScaleLearningRate {
  float factor = 1;
};

using CommandAction =
    std::variant<Perturbation, TakeSnapshot, RestoreSnapshot, SetIdentity, ScaleLearningRate>;

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_COMMAND_ACTION_H_
