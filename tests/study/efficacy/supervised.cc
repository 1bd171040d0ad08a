#include "tests/study/efficacy/supervised.h"

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "client/core/identity.h"
#include "client/core/noise.h"
#include "client/core/perturbation.h"
#include "server/core/perturbation_seed.h"
#include "server/core/tied_losses.h"
#include "tests/study/efficacy/loss_table.h"
#include "trainer/state_snapshots.h"

namespace lehr {
namespace {

std::vector<Tensor> TensorsOf(const Mlp& model) {
  std::vector<Tensor> tensors;
  for (const ModelTensor& tensor : model.tensors()) {
    tensors.push_back({.name = tensor.name,
                       .values = tensor.values,
                       .reference_stddev = tensor.reference_stddev,
                       .side = SideOf(tensor)});
  }
  return tensors;
}

// What the ranks do with the actions of a decision, as the client library does it.
class Actor {
 public:
  explicit Actor(const Patient& patient)
      : patient_(patient),
        tensors_(TensorsOf(patient.model)),
        snapshots_(patient.model, patient.optimizer) {}

  // Whether parameters were changed.
  bool Apply(const std::vector<Action>& actions, int64_t step) {
    for (const Action& action : actions) {
      if (const auto* snapshot = std::get_if<SnapshotAction>(&action)) {
        Keep(snapshot->id);
      } else if (const auto* restore = std::get_if<RestoreAction>(&action)) {
        snapshots_.Restore(restore->id);
      } else if (std::holds_alternative<IdentityAction>(action)) {
        PreparedIdentity::Make(tensors_)->Apply();
      } else if (const auto* rate = std::get_if<LearningRateAction>(&action)) {
        patient_.optimizer.ScaleLearningRate(rate->factor);
      } else {
        Perturb(std::get<PerturbAction>(action), step);
      }
    }
    return ChangesParameters(actions);
  }

  bool HasSquareTensor() const {
    return std::any_of(tensors_.begin(), tensors_.end(),
                       [](const Tensor& tensor) { return tensor.side > 0; });
  }

  const std::vector<uint64_t>& held() const { return held_; }

 private:
  void Keep(uint64_t id) {
    snapshots_.Save(id);
    if (std::find(held_.begin(), held_.end(), id) == held_.end()) {
      held_.push_back(id);
    }
  }

  void Perturb(const PerturbAction& action, int64_t step) {
    const Perturbation perturbation = {
        .id = 1,
        .seed = PerturbationSeed(patient_.seed, /*branch=*/0, step),
        .stddev = action.stddev,
        .scale =
            action.scale == ActionScale::kRelative ? NoiseScale::kRelative : NoiseScale::kAbsolute,
        .shrink = action.shrink,
        .tensor_selector = action.tensor_selector,
        .noise_spec = std::string(kNoiseSpec),
    };
    ApplyPerturbation(perturbation, tensors_, /*threads=*/1).value();
    if (action.optimizer_state == ActionOptimizerState::kReset) {
      ResetOptimizer(patient_);
    }
  }

  Patient patient_;
  std::vector<Tensor> tensors_;
  StateSnapshots snapshots_;
  std::vector<uint64_t> held_;
};

// The supervisor's own rules, through the pure functions that lehrd calls.
class Supervised : public Treatment {
 public:
  Supervised(const Patient& patient, const Policy& policy, bool whole_dataset,
             uint32_t snapshot_capacity)
      : patient_(patient),
        policy_(policy),
        whole_dataset_(whole_dataset),
        snapshot_capacity_(snapshot_capacity),
        actor_(patient),
        table_(patient.examples) {}

  bool AfterUpdate(const StepView& step) override {
    const int64_t last_apply_step = patient_.steps - 1;
    if (step.step + 1 > last_apply_step) {
      return false;
    }
    const PolicyContext context = {
        .step = step.step,
        .apply_step = step.step + 1,
        .losses = step.losses.size(),
        .dataset_examples = static_cast<uint64_t>(whole_dataset_ ? patient_.examples : 0),
        .snapshot_capacity = snapshot_capacity_,
        .snapshots = actor_.held(),
        .can_set_identity = actor_.HasSquareTensor(),
        .can_scale_learning_rate = true};
    const Observation observation = Observe(step);
    return actor_.Apply(Propose(policy_, state_, observation, context).actions, step.step);
  }

  double temperature() const override {
    return whole_dataset_ ? table_.Measure().temperature : temperature_;
  }

 private:
  Observation Observe(const StepView& step) {
    Observation observation;
    if (whole_dataset_) {
      // All that reheat looks at.
      table_.Update(step.example_ids, step.losses);
      observation.temperature.count = table_.known();
      observation.temperature.mean = table_.Mean();
      observation.temperature.root_mean_square = table_.RootMeanSquare();
      TiedLosses tied;
      tied.AddReport(step.losses);
      observation.tied_share = tied.share();
    } else {
      observation.temperature = MeasureInDouble(step.losses);
      temperature_ = observation.temperature.temperature;
    }
    return observation;
  }

  Patient patient_;
  const Policy policy_;
  const bool whole_dataset_;
  const uint32_t snapshot_capacity_;
  Actor actor_;
  LossTable table_;
  PolicyState state_;
  double temperature_ = 0;
};

}  // namespace

std::unique_ptr<Treatment> MakeSupervised(const Patient& patient, const Policy& policy,
                                          bool whole_dataset, uint32_t snapshot_capacity) {
  return std::make_unique<Supervised>(patient, policy, whole_dataset, snapshot_capacity);
}

}  // namespace lehr
