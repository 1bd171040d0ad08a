// The tasks of the study: what is trained, how it starts, and what counts as freed.
#ifndef LEHR_TESTS_STUDY_EFFICACY_STUDY_TASK_H_
#define LEHR_TESTS_STUDY_EFFICACY_STUDY_TASK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "trainer/dataset.h"
#include "trainer/initialization.h"
#include "trainer/losses.h"
#include "trainer/mlp.h"
#include "trainer/optimizer.h"
#include "trainer/tasks.h"

namespace lehr {

// When a run has got there.
enum class Goal {
  // The mean loss of a step is below `threshold`.
  kMeanLossBelow,
  // Every training example is given its label, and no loss is above `threshold`.
  kAllRight,
  // The test accuracy at the end of an epoch is at least `threshold`.
  kTestAccuracy,
};

struct StudyTask {
  std::string name;
  // As in the table.
  std::string title;
  Task data = Task::kXor;
  Architecture::Output output = Architecture::Output::kLinear;
  std::vector<int64_t> hidden;
  InitialValues initial = InitialValues::kTorch;
  Loss loss = Loss::kSoftmaxCrossEntropy;
  OptimizerSettings optimizer;
  // 0: all examples.
  int64_t batch_size = 64;
  // One of the two is set.
  int64_t steps = 0;
  int64_t epochs = 0;
  Goal goal = Goal::kTestAccuracy;
  double threshold = 0.90;
  // The run ends when it gets there; else it goes on, and must still be there at its end.
  bool ends_at_goal = false;
  // Added to every initial bias.
  float initial_bias = 0;
  // Share of the training labels that are replaced by another class.
  double flipped_labels = 0;
  // The learning rate becomes a tenth at each of these shares of the steps, in ascending order.
  // Only for stochastic gradient descent without momentum.
  std::vector<double> learning_rate_drops;
  // The update of the first step of this epoch is kKillingFactor times as large, and the goal
  // counts from there on. 0: none.
  int64_t killed_at_epoch = 0;
  // A run that needs no help: any perturbation is a fault. It has no goal: `threshold` is 0.
  bool healthy = false;
  // Of the table.
  int seeds = 100;
};

inline constexpr double kKillingFactor = 1000;

absl::Span<const StudyTask> StudyTasks();

// Of one step among `steps`, after the drops before it.
double LearningRateFactor(const StudyTask& task, int64_t step, int64_t steps);

// The data of one seed: labels are flipped by the seed.
absl::StatusOr<Dataset> LoadStudyData(const StudyTask& task);
void FlipLabels(double share, int64_t classes, uint64_t seed, Examples& examples);

// Sets the initial values of one seed.
void InitializeStudy(const StudyTask& task, uint64_t seed, Mlp& model);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_STUDY_TASK_H_
