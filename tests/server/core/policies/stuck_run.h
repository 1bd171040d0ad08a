// A run that takes what policies propose: for the tests of reheat and of its stalls.
#ifndef LEHR_TESTS_SERVER_CORE_POLICIES_STUCK_RUN_H_
#define LEHR_TESTS_SERVER_CORE_POLICIES_STUCK_RUN_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "server/core/policies/reheat.h"

namespace lehr {

inline constexpr uint64_t kExamples = 1000;

// A run whose every step takes `losses_per_step` of the data set's examples, and whose ranks do
// what they are told.
class Stuck {
 public:
  explicit Stuck(uint64_t losses_per_step = kExamples / 20, uint32_t snapshot_capacity = 2,
                 uint64_t examples = kExamples)
      : losses_per_step_(losses_per_step),
        snapshot_capacity_(snapshot_capacity),
        examples_(examples) {}

  // One step.
  Proposal Step(double mean, double share = 1) {
    Observation observation;
    observation.temperature.count = kExamples;
    observation.temperature.mean = mean;
    observation.temperature.root_mean_square = mean / std::sqrt(share);
    observation.tied_share = tied;
    const PolicyContext context = {.step = step,
                                   .apply_step = step + 1 + lag,
                                   .losses = losses_per_step_,
                                   .dataset_examples = examples_,
                                   .snapshot_capacity = snapshot_capacity_,
                                   .snapshots = held,
                                   .can_set_identity = keeps_width,
                                   .can_scale_learning_rate = scales};
    const Proposal proposal = Propose(policy, state, observation, context);
    ++step;
    if (obeys) {
      for (const Action& action : proposal.actions) {
        const auto* snapshot = std::get_if<SnapshotAction>(&action);
        if (snapshot != nullptr && std::count(held.begin(), held.end(), snapshot->id) == 0) {
          held.push_back(snapshot->id);
        }
      }
    }
    return proposal;
  }

  // One pass over the data set: what its last step brings.
  Proposal Pass(double mean, double share = 1) {
    Proposal proposal;
    for (uint64_t losses = 0; losses < examples_; losses += losses_per_step_) {
      proposal = Step(mean, share);
    }
    return proposal;
  }

  // Passes until one acts, `most` at most.
  Proposal PassesUntilItActs(double mean, int most = 1000, double share = 1) {
    Proposal proposal;
    for (passes = 1; passes <= most; ++passes) {
      proposal = Pass(mean, share);
      if (ChangesParameters(proposal.actions)) {
        break;
      }
    }
    return proposal;
  }

  ReheatPolicy policy;
  ReheatState state;
  std::vector<uint64_t> held;
  int64_t step = 0;
  int64_t lag = 0;
  bool obeys = true;
  // What the ranks can do, and the share of the loss that ties.
  bool keeps_width = false;
  bool scales = false;
  std::optional<double> tied;
  int passes = 0;

 private:
  const uint64_t losses_per_step_;
  const uint32_t snapshot_capacity_;
  const uint64_t examples_;
};

// All four of XOR's in every step.
inline Stuck HandfulOfExamples() {
  return Stuck(/*losses_per_step=*/4, /*snapshot_capacity=*/2, /*examples=*/4);
}

}  // namespace lehr

#endif  // LEHR_TESTS_SERVER_CORE_POLICIES_STUCK_RUN_H_
