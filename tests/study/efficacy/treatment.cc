#include "tests/study/efficacy/treatment.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/core/noise.h"
#include "client/core/perturbation.h"
#include "server/core/perturbation_seed.h"
#include "server/core/policy.h"
#include "tests/study/efficacy/loss_table.h"
#include "trainer/initialization.h"
#include "trainer/random.h"

namespace lehr {
namespace {

std::vector<Tensor> TensorsOf(const Mlp& model) {
  std::vector<Tensor> tensors;
  for (const ModelTensor& tensor : model.tensors()) {
    tensors.push_back({.name = tensor.name,
                       .values = tensor.values,
                       .reference_stddev = tensor.reference_stddev});
  }
  return tensors;
}

void ResetOptimizer(Patient& patient) {
  for (size_t i = 0; i < patient.model.tensors().size(); ++i) {
    patient.optimizer.Reset(i);
  }
}

// What the ranks do with the actions of a decision, as the client library does it.
class Actor {
 public:
  explicit Actor(const Patient& patient) : patient_(patient), tensors_(TensorsOf(patient.model)) {}

  // Whether parameters were changed.
  bool Apply(const std::vector<Action>& actions, int64_t step) {
    for (const Action& action : actions) {
      if (const auto* snapshot = std::get_if<SnapshotAction>(&action)) {
        Keep(snapshot->id);
      } else if (const auto* restore = std::get_if<RestoreAction>(&action)) {
        GoBack(restore->id);
      } else {
        Perturb(std::get<PerturbAction>(action), step);
      }
    }
    return ChangesParameters(actions);
  }

  std::vector<uint64_t> held() const {
    std::vector<uint64_t> ids;
    for (const Kept& kept : kept_) {
      ids.push_back(kept.id);
    }
    return ids;
  }

 private:
  struct Kept {
    uint64_t id;
    std::vector<std::vector<float>> values;
    std::vector<Optimizer::TensorState> optimizer;
  };

  void Keep(uint64_t id) {
    auto kept = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& k) { return k.id == id; });
    if (kept == kept_.end()) {
      kept = kept_.insert(kept_.end(), Kept{.id = id});
    }
    kept->values.clear();
    for (const ModelTensor& tensor : patient_.model.tensors()) {
      kept->values.emplace_back(tensor.values.begin(), tensor.values.end());
    }
    kept->optimizer.assign(patient_.optimizer.states().begin(), patient_.optimizer.states().end());
  }

  void GoBack(uint64_t id) {
    const auto kept =
        std::find_if(kept_.begin(), kept_.end(), [&](const Kept& k) { return k.id == id; });
    for (size_t i = 0; i < kept->values.size(); ++i) {
      std::copy(kept->values[i].begin(), kept->values[i].end(),
                patient_.model.tensors()[i].values.begin());
      patient_.optimizer.states()[i] = kept->optimizer[i];
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
  std::vector<Kept> kept_;
};

class None : public Treatment {};

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
        .snapshots = actor_.held()};
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

// Gradient noise N(0, eta / (1 + t)^0.55) at every step (Neelakantan et al., 2015).
class GradientNoise : public Treatment {
 public:
  GradientNoise(const Patient& patient, double eta)
      : model_(patient.model), eta_(eta), generator_(patient.seed ^ 0x6e6f697365) {}

  void BeforeUpdate(const StepView& step) override {
    constexpr double kDecay = 0.55;
    const double stddev = std::sqrt(eta_ / std::pow(1.0 + static_cast<double>(step.step), kDecay));
    for (float& gradient : model_.gradients()) {
      gradient += static_cast<float>(stddev * normal_(generator_));
    }
  }

 private:
  Mlp& model_;
  const double eta_;
  std::mt19937_64 generator_;
  std::normal_distribution<double> normal_;
};

// Sees a stall as one usually does: no improvement by 1 % within a window of observations of the
// whole data set, while more than 5 % of the first loss is left.
class StallWatch {
 public:
  StallWatch(const Patient& patient, double window_steps)
      : table_(patient.examples),
        examples_(patient.examples),
        window_steps_(static_cast<int64_t>(window_steps)) {}

  bool Stalls(const StepView& step) {
    table_.Update(step.example_ids, step.losses);
    seen_ += static_cast<int64_t>(step.losses.size());
    if (seen_ < examples_) {
      return false;
    }
    seen_ = 0;
    const double mean = table_.Mean();
    if (first_ < 0) {
      first_ = mean;
    }
    if (mean < 0.99 * best_) {
      best_ = mean;
      improved_at_ = step.step;
    }
    return step.step - improved_at_ >= window_steps_ && mean > 0.05 * first_;
  }

  void Begin(int64_t step) {
    best_ = std::numeric_limits<double>::infinity();
    improved_at_ = step;
    seen_ = 0;
  }

 private:
  LossTable table_;
  const int64_t examples_;
  const int64_t window_steps_;
  int64_t seen_ = 0;
  int64_t improved_at_ = 0;
  double first_ = -1;
  double best_ = std::numeric_limits<double>::infinity();
};

// Draws new initial values on a stall, as the task's own initializer does.
class Restart : public Treatment {
 public:
  Restart(const Patient& patient, double window_steps)
      : patient_(patient), watch_(patient, window_steps) {}

  bool AfterUpdate(const StepView& step) override {
    if (!watch_.Stalls(step)) {
      return false;
    }
    std::mt19937_64 generator(patient_.seed * 0x9e3779b97f4a7c15u + ++restarts_);
    Initialize(patient_.task.initial, generator(), patient_.model.tensors());
    ResetOptimizer(patient_);
    watch_.Begin(step.step);
    return true;
  }

 private:
  Patient patient_;
  StallWatch watch_;
  uint64_t restarts_ = 0;
};

// theta <- shrink theta + scale theta_new on a stall, theta_new freshly initialized (Ash and Adams,
// 2020, who do it when training has settled and new data comes).
class ShrinkPerturb : public Treatment {
 public:
  ShrinkPerturb(const Patient& patient, double window_steps, double shrink, double scale)
      : patient_(patient),
        watch_(patient, window_steps),
        shrink_(static_cast<float>(shrink)),
        scale_(static_cast<float>(scale)),
        fresh_(patient.model.architecture(), /*max_rows=*/1) {}

  bool AfterUpdate(const StepView& step) override {
    if (!watch_.Stalls(step)) {
      return false;
    }
    std::mt19937_64 generator(patient_.seed * 0x9e3779b97f4a7c15u + ++times_);
    Initialize(patient_.task.initial, generator(), fresh_.tensors());
    for (size_t i = 0; i < fresh_.tensors().size(); ++i) {
      const absl::Span<float> values = patient_.model.tensors()[i].values;
      for (size_t k = 0; k < values.size(); ++k) {
        values[k] = shrink_ * values[k] + scale_ * fresh_.tensors()[i].values[k];
      }
    }
    ResetOptimizer(patient_);
    watch_.Begin(step.step);
    return true;
  }

 private:
  Patient patient_;
  StallWatch watch_;
  const float shrink_;
  const float scale_;
  Mlp fresh_;
  uint64_t times_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Treatment>> MakeTreatment(const Arm& arm, const Patient& patient) {
  const std::vector<double>& settings = arm.settings;
  if (arm.name == "none") {
    return std::make_unique<None>();
  }
  if (arm.name == "reheat" || arm.name == "reheat-bare") {
    return std::make_unique<Supervised>(
        patient, Policy{.rule = ReheatPolicy{.planned_steps = patient.steps}},
        /*whole_dataset=*/true,
        /*snapshot_capacity=*/arm.name == "reheat" ? 2 : 0);
  }
  if (arm.name == "literal") {
    const double min_imbalance = patient.task.data == Task::kXorReluSum ? 0.1 : 0;
    return std::make_unique<Supervised>(
        patient, Policy{.rule = ErrorDrivenPolicy{settings.at(0), min_imbalance}},
        /*whole_dataset=*/false, /*snapshot_capacity=*/0);
  }
  if (arm.name == "constant") {
    return std::make_unique<GradientNoise>(patient, settings.at(0));
  }
  if (arm.name == "restart") {
    return std::make_unique<Restart>(patient, settings.at(0));
  }
  if (arm.name == "shrink-perturb") {
    return std::make_unique<ShrinkPerturb>(patient, settings.at(0), settings.at(1), settings.at(2));
  }
  return absl::NotFoundError(absl::StrCat("no treatment is named ", arm.name));
}

}  // namespace lehr
