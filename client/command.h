// What a rank does with the command that it holds: check it, agree on it with the other ranks, and
// apply it.
#ifndef LEHR_CLIENT_COMMAND_H_
#define LEHR_CLIENT_COMMAND_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "client/core/perturbation.h"
#include "client/core/session.h"
#include "client/core/snapshots.h"

namespace lehr {

// Canonical tensor name to the standard deviation that the opener of the generation declared.
using ReferenceStddevs = absl::flat_hash_map<std::string, float>;

// An action that can be applied here.
using PreparedAction = std::variant<PreparedPerturbation, TakeSnapshot, RestoreSnapshot>;

struct AppliedCommand {
  CommandOutcome outcome;
  // Indices of the tensors whose optimizer state must start over. Ascending.
  std::vector<size_t> reset_optimizer_state;
};

// A command against the tensors of this rank.
class Command {
 public:
  // `tensors` and `snapshots` must outlive it. The unit of relative noise is taken from
  // `references` alone, so that it is the same on every rank.
  Command(HeldDecision decision, absl::Span<const Tensor> tensors,
          const ReferenceStddevs& references, Snapshots& snapshots);
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
  Snapshots& snapshots_;
  // The tensors with their references, if an action is relative.
  std::vector<Tensor> referenced_;
  std::vector<PreparedAction> prepared_;
  // Why it cannot be applied here; empty if it can.
  std::string obstacle_;
  uint64_t hash_ = 0;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_COMMAND_H_
