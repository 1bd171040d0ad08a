#include "tests/study/efficacy/trial.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ctime>
#include <memory>
#include <numeric>
#include <optional>

#include "tests/study/efficacy/treatment.h"
#include "trainer/batches.h"
#include "trainer/evaluation.h"

namespace lehr {
namespace {

constexpr int64_t kTracePoints = 400;

double Mean(absl::Span<const float> losses) {
  return std::accumulate(losses.begin(), losses.end(), 0.0) / static_cast<double>(losses.size());
}

uint64_t HashOf(const Mlp& model) {
  // FNV-1a.
  uint64_t hash = 0xcbf29ce484222325u;
  for (const ModelTensor& tensor : model.tensors()) {
    for (const float value : tensor.values) {
      uint32_t bits = 0;
      std::memcpy(&bits, &value, sizeof(bits));
      hash = (hash ^ bits) * 0x100000001b3u;
    }
  }
  return hash;
}

double ThreadCpuSeconds() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

class Trial {
 public:
  Trial(const StudyTask& task, const Dataset& dataset, uint64_t seed)
      : task_(task),
        dataset_(dataset),
        seed_(seed),
        rows_(task.batch_size == 0 ? dataset.train.size()
                                   : std::min(task.batch_size, dataset.train.size())),
        model_({.inputs = dataset.features,
                .hidden = task.hidden,
                .outputs = OutputsFor(task.loss, dataset.classes),
                .output = task.output},
               std::max<int64_t>(rows_, 256)),
        optimizer_(task.optimizer, model_.tensors()),
        batches_(dataset.train, dataset.features, rows_, seed),
        losses_(rows_),
        output_gradient_(rows_ * model_.architecture().outputs) {
    InitializeStudy(task, seed, model_);
    steps_ = task.steps > 0 ? task.steps : task.epochs * batches_.steps_per_epoch();
  }

  absl::StatusOr<TrialResult> Run(const Arm& arm, Trace* trace) {
    absl::StatusOr<std::unique_ptr<Treatment>> treatment =
        MakeTreatment(arm, {.task = task_,
                            .seed = seed_,
                            .steps = steps_,
                            .examples = dataset_.train.size(),
                            .model = model_,
                            .optimizer = optimizer_});
    if (!treatment.ok()) {
      return treatment.status();
    }
    result_ = {.task = task_.name, .arm = arm.title, .seed = seed_};
    for (int64_t step = 0; step < steps_; ++step) {
      const Batch batch = batches_.At(step);
      const auto losses = absl::MakeSpan(losses_).first(batch.labels.size());
      Backpropagate(batch, losses);
      if (IsGoalOfStep(losses)) {
        Reach(step);
        if (task_.ends_at_goal) {
          break;
        }
      }
      if (!std::isfinite(Mean(losses))) {
        break;
      }
      const StepView view = {step, losses, batch.example_ids};
      (*treatment)->BeforeUpdate(view);
      ScaleUpdate(LearningRateFactor(task_, step, steps_));
      if (step > 0 && step == KillingStep()) {
        ScaleUpdate(kKillingFactor);
      }
      optimizer_.Step();
      const bool acted = (*treatment)->AfterUpdate(view);
      result_.actions += acted ? 1 : 0;
      EndOfEpoch(step);
      if (trace != nullptr) {
        Record(step, acted, Mean(losses), (*treatment)->temperature(), *trace);
      }
    }
    return Finish();
  }

 private:
  void Backpropagate(const Batch& batch, absl::Span<float> losses) {
    const auto rows = static_cast<int64_t>(batch.labels.size());
    outputs_ = model_.Forward(batch.inputs, rows);
    labels_ = batch.labels;
    const auto gradient = absl::MakeSpan(output_gradient_).first(outputs_.size());
    ComputeLosses(task_.loss, outputs_, batch.labels, losses, gradient);
    model_.Backward(batch.inputs, gradient.data(), rows);
  }

  bool IsGoalOfStep(absl::Span<const float> losses) const {
    switch (task_.goal) {
      case Goal::kMeanLossBelow:
        return Mean(losses) < task_.threshold;
      case Goal::kAllRight:
        return losses.size() == static_cast<size_t>(dataset_.train.size()) &&
               *std::max_element(losses.begin(), losses.end()) <= task_.threshold &&
               CountCorrect(task_.loss, outputs_, labels_) == dataset_.train.size();
      case Goal::kTestAccuracy:
        return false;
    }
    return false;
  }

  void Reach(int64_t step) {
    if (result_.reached_step < 0) {
      result_.reached_step = step;
    }
    result_.ends_there = true;
  }

  // 0: none.
  int64_t KillingStep() const { return task_.killed_at_epoch * batches_.steps_per_epoch(); }

  // As plain gradient descent would with so many times the learning rate.
  void ScaleUpdate(double factor) {
    if (factor == 1) {
      return;
    }
    for (float& gradient : model_.gradients()) {
      gradient *= static_cast<float>(factor);
    }
  }

  double Accuracy() {
    const Examples& examples = dataset_.test.size() > 0 ? dataset_.test : dataset_.train;
    return Evaluate(model_, task_.loss, examples).accuracy;
  }

  void EndOfEpoch(int64_t step) {
    if (task_.goal != Goal::kTestAccuracy || (step + 1) % batches_.steps_per_epoch() != 0) {
      return;
    }
    const double accuracy = Accuracy();
    result_.best_accuracy = std::max(result_.best_accuracy, accuracy);
    if (accuracy >= task_.threshold && step >= KillingStep()) {
      Reach(step);
    }
  }

  void Record(int64_t step, bool acted, double mean_loss, double temperature, Trace& trace) {
    if (acted) {
      trace.action_steps.push_back(step);
    }
    if (step % std::max<int64_t>(1, steps_ / kTracePoints) == 0) {
      trace.points.push_back({step, Accuracy(), temperature, mean_loss});
    }
  }

  TrialResult Finish() {
    result_.final_loss = Evaluate(model_, task_.loss, dataset_.train).mean_loss;
    result_.final_accuracy = Accuracy();
    result_.best_accuracy = std::max(result_.best_accuracy, result_.final_accuracy);
    if (task_.goal == Goal::kTestAccuracy) {
      result_.ends_there = result_.final_accuracy >= task_.threshold;
    }
    result_.parameter_hash = HashOf(model_);
    return result_;
  }

  const StudyTask& task_;
  const Dataset& dataset_;
  const uint64_t seed_;
  const int64_t rows_;
  int64_t steps_ = 0;
  Mlp model_;
  Optimizer optimizer_;
  Batches batches_;
  std::vector<float> losses_;
  std::vector<float> output_gradient_;
  absl::Span<const float> outputs_;
  absl::Span<const int32_t> labels_;
  TrialResult result_;
};

}  // namespace

absl::StatusOr<TrialResult> RunTrial(const StudyTask& task, const Dataset& clean, const Arm& arm,
                                     uint64_t seed, Trace* trace) {
  const double begin = ThreadCpuSeconds();
  std::optional<Dataset> flipped;
  if (task.flipped_labels > 0) {
    flipped = clean;
    FlipLabels(task.flipped_labels, clean.classes, seed, flipped->train);
  }
  absl::StatusOr<TrialResult> result =
      Trial(task, flipped.has_value() ? *flipped : clean, seed).Run(arm, trace);
  if (result.ok()) {
    result->cpu_seconds = ThreadCpuSeconds() - begin;
  }
  return result;
}

}  // namespace lehr
