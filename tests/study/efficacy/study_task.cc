#include "tests/study/efficacy/study_task.h"

#include <random>

#include "trainer/random.h"

namespace lehr {
namespace {

StudyTask Toy(std::string name, std::string title, std::vector<int64_t> hidden, Loss loss) {
  return {.name = std::move(name),
          .title = std::move(title),
          .data = Task::kXor,
          .hidden = std::move(hidden),
          .loss = loss,
          .batch_size = 0,
          .steps = 10'000,
          .goal = Goal::kAllRight,
          .threshold = 0.3,
          .ends_at_goal = true,
          .seeds = 1000};
}

StudyTask Digits(std::string name, std::string title, std::vector<int64_t> hidden, int64_t epochs) {
  return {.name = std::move(name),
          .title = std::move(title),
          .data = Task::kDigits,
          .hidden = std::move(hidden),
          .epochs = epochs,
          .seeds = 50};
}

StudyTask HealthyDigits(std::string name, std::string title, std::vector<int64_t> hidden) {
  StudyTask task = Digits(std::move(name), std::move(title), std::move(hidden), 100);
  task.threshold = 0;
  task.healthy = true;
  return task;
}

std::vector<StudyTask> MakeTasks() {
  std::vector<StudyTask> tasks;
  tasks.push_back(
      {.name = "xor-paper",
       .title = "the paper's XOR",
       .data = Task::kXorReluSum,
       .output = Architecture::Output::kSumOfUnits,
       .hidden = {2},
       .initial = InitialValues::kPaper,
       .loss = Loss::kMeanSquaredError,
       .optimizer = {.kind = OptimizerKind::kAdam, .learning_rate = 0.01, .beta2 = 0.99},
       .batch_size = 0,
       .steps = 5000,
       .goal = Goal::kMeanLossBelow,
       .threshold = 1e-7,
       .ends_at_goal = true,
       .seeds = 10'000});
  tasks.push_back(Toy("xor-221-bce", "XOR 2-2-1, BCE", {2}, Loss::kBinaryCrossEntropy));
  tasks.push_back(Toy("xor-221-mse", "XOR 2-2-1, MSE", {2}, Loss::kMeanSquaredError));
  tasks.push_back(Toy("xor-241-bce", "XOR 2-4-1, BCE", {4}, Loss::kBinaryCrossEntropy));
  tasks.push_back(Toy("xor-241-mse", "XOR 2-4-1, MSE", {4}, Loss::kMeanSquaredError));

  StudyTask spirals =
      Toy("spirals-deep", "two spirals, 2-8×4-2", {8, 8, 8, 8}, Loss::kSoftmaxCrossEntropy);
  spirals.data = Task::kSpirals;
  spirals.optimizer.learning_rate = 0.3;
  spirals.steps = 20'000;
  spirals.threshold = 3;
  spirals.seeds = 100;
  tasks.push_back(spirals);
  spirals.name = "spirals-slow-start";
  spirals.title = "two spirals, 2-16-16-2, batches of 20";
  spirals.hidden = {16, 16};
  spirals.optimizer = {};
  spirals.batch_size = 20;
  spirals.goal = Goal::kTestAccuracy;
  spirals.threshold = 0;
  spirals.ends_at_goal = false;
  spirals.healthy = true;
  tasks.push_back(spirals);
  // Its loss falls at every step, by a sixth in all: slow, but not stuck.
  spirals.name = "spirals-slow-full";
  spirals.title = "two spirals, 2-16-16-2, full batches, learning rate 0.03";
  spirals.optimizer.learning_rate = 0.03;
  spirals.batch_size = 0;
  spirals.steps = 3000;
  spirals.seeds = 50;
  tasks.push_back(spirals);

  StudyTask deep = Digits("digits-deep", "digits 64-8×8-10", std::vector<int64_t>(8, 8), 400);
  tasks.push_back(deep);
  deep = Digits("digits-deep-he", "digits 64-8×8-10, He", std::vector<int64_t>(8, 8), 200);
  deep.initial = InitialValues::kHe;
  tasks.push_back(deep);
  deep = Digits("digits-deep-adam", "digits 64-8×8-10, Adam", std::vector<int64_t>(8, 8), 200);
  deep.optimizer = {.kind = OptimizerKind::kAdam, .learning_rate = 0.003};
  tasks.push_back(deep);
  tasks.push_back(Digits("digits-narrow", "digits 64-6×6-10", std::vector<int64_t>(6, 6), 400));

  StudyTask dead = Digits("digits-born-dead", "digits 64-32-32-10, born dead", {32, 32}, 100);
  dead.initial_bias = -1;
  tasks.push_back(dead);
  StudyTask killed = Digits("digits-killed", "digits 64-32-32-10, killed midway", {32, 32}, 100);
  killed.killed_at_epoch = 40;
  tasks.push_back(killed);

  StudyTask healthy = HealthyDigits("digits-healthy", "digits 64-32-10", {32});
  healthy.seeds = 75;
  tasks.push_back(healthy);
  healthy = HealthyDigits("digits-wide", "digits 64-128-64-10", {128, 64});
  healthy.seeds = 75;
  tasks.push_back(healthy);
  healthy.name = "digits-flipped-5";
  healthy.title = "digits 64-128-64-10, 5 % flipped";
  healthy.flipped_labels = 0.05;
  tasks.push_back(healthy);
  healthy.name = "digits-flipped-10";
  healthy.title = "digits 64-128-64-10, 10 % flipped";
  healthy.flipped_labels = 0.10;
  tasks.push_back(healthy);

  // Slow, decayed and converged runs: none of them is stuck.
  healthy = HealthyDigits("digits-slow", "digits 64-32-10, learning rate 0.003", {32});
  healthy.optimizer.learning_rate = 0.003;
  tasks.push_back(healthy);
  healthy = HealthyDigits("digits-decayed", "digits 64-32-10, learning rate decays", {32});
  healthy.learning_rate_drops = {0.5, 0.75};
  tasks.push_back(healthy);
  healthy = HealthyDigits("digits-converged", "digits 64-10, 30 % flipped", {});
  healthy.flipped_labels = 0.30;
  tasks.push_back(healthy);
  healthy.name = "digits-converged-full";
  healthy.title = "digits 64-10, 30 % flipped, full batches";
  healthy.optimizer.learning_rate = 1;
  healthy.batch_size = 0;
  healthy.epochs = 3000;
  healthy.seeds = 20;
  tasks.push_back(healthy);

  // Plain training leaves most of these at chance; a run in eight reaches the goal late.
  StudyTask fashion = {.name = "fashion-deep",
                       .title = "Fashion-MNIST 784-8×11-10",
                       .data = Task::kFashionMnist,
                       .hidden = std::vector<int64_t>(11, 8),
                       .batch_size = 128,
                       .epochs = 80,
                       .threshold = 0.75,
                       .seeds = 20};
  tasks.push_back(fashion);
  fashion.name = "fashion-healthy";
  fashion.title = "Fashion-MNIST 784-64-10";
  fashion.hidden = {64};
  fashion.epochs = 10;
  fashion.threshold = 0;
  fashion.healthy = true;
  fashion.seeds = 10;
  tasks.push_back(fashion);
  return tasks;
}

}  // namespace

absl::Span<const StudyTask> StudyTasks() {
  static const auto& tasks = *new std::vector<StudyTask>(MakeTasks());
  return tasks;
}

double LearningRateFactor(const StudyTask& task, int64_t step, int64_t steps) {
  double factor = 1;
  for (const double share : task.learning_rate_drops) {
    factor *= static_cast<double>(step) >= share * static_cast<double>(steps) ? 0.1 : 1;
  }
  return factor;
}

absl::StatusOr<Dataset> LoadStudyData(const StudyTask& task) {
  return LoadData(task.data, {.path = "", .label_column = "", .seed = 0});
}

void FlipLabels(double share, int64_t classes, uint64_t seed, Examples& examples) {
  const std::vector<uint64_t> order = RandomPermutation(examples.size(), seed);
  std::mt19937_64 generator(seed);
  const auto flipped = static_cast<size_t>(share * static_cast<double>(examples.size()));
  for (size_t i = 0; i < flipped; ++i) {
    int32_t& label = examples.labels[order[i]];
    const auto shift = 1 + static_cast<int64_t>(UniformUnit(generator) * (classes - 1));
    label = static_cast<int32_t>((label + shift) % classes);
  }
}

void InitializeStudy(const StudyTask& task, uint64_t seed, Mlp& model) {
  Initialize(task.initial, seed, model.tensors());
  for (ModelTensor& tensor : model.tensors()) {
    if (tensor.shape.size() == 1) {
      for (float& bias : tensor.values) {
        bias += task.initial_bias;
      }
    }
  }
}

}  // namespace lehr
