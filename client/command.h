// What a rank does with the command that it holds: check it, agree on it with the other ranks, and
// apply it.
#ifndef LEHR_CLIENT_COMMAND_H_
#define LEHR_CLIENT_COMMAND_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "client/core/command_action.h"
#include "client/core/identity.h"
#include "client/core/perturbation.h"
#include "client/core/session.h"
#include "client/core/snapshots.h"

namespace lehr {

// What the opener of the generation declared of a tensor; TensorReference in supervisor.proto
// describes the fields.
struct DeclaredTensor {
  float reference_stddev = 0;
  uint32_t side = 0;
};
// By canonical tensor name.
using DeclaredTensors = absl::flat_hash_map<std::string, DeclaredTensor>;

// What the trainer does for commands, beside lending its tensors.
struct TrainerHooks {
  Snapshots& snapshots;
  // See ClientOptions. Null: it cannot.
  std::function<void(float factor)> scale_learning_rate;
};

// An action that can be applied here.
using PreparedAction = std::variant<PreparedPerturbation, TakeSnapshot, RestoreSnapshot,
                                    PreparedIdentity, ScaleLearningRate>;

struct AppliedCommand {
  CommandOutcome outcome;
  // Indices of the tensors whose optimizer state must start over. Ascending.
  std::vector<size_t> reset_optimizer_state;
};

// A command against the tensors of this rank.
class Command {
 public:
  // `tensors` and trainer.snapshots must outlive it. The unit of relative noise and which tensors
  // are square are taken from `declared` alone, so that they are the same on every rank.
  Command(HeldDecision decision, absl::Span<const Tensor> tensors, const DeclaredTensors& declared,
          TrainerHooks trainer);
  // What it has prepared points into it.
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  // What the other ranks must hold too; 0 if it cannot be applied here.
  uint64_t hash() const { return hash_; }

  // Applies it if every rank brought the same hash, and says what became of it.
  AppliedCommand ApplyIf(bool all_agree) const;

 private:
  std::string PrepareActions();

  const HeldDecision decision_;
  absl::Span<const Tensor> tensors_;
  const TrainerHooks trainer_;
  // The tensors as they were declared, if an action needs that.
  std::vector<Tensor> declared_;
  std::vector<PreparedAction> prepared_;
  // Why it cannot be applied here; empty if it can.
  std::string obstacle_;
  uint64_t hash_ = 0;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_COMMAND_H_
