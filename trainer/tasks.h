// The bundled tasks: their data and the settings that suit them.
#ifndef LEHR_TRAINER_TASKS_H_
#define LEHR_TRAINER_TASKS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "trainer/dataset.h"
#include "trainer/initialization.h"
#include "trainer/losses.h"
#include "trainer/mlp.h"
#include "trainer/optimizer.h"

namespace lehr {

enum class Task { kXorReluSum, kXor, kSpirals, kDigits, kFashionMnist, kCsv };

// What a task takes where the command line is silent.
struct TaskDefaults {
  Task task;
  // On the command line.
  std::string_view name;
  std::string_view summary;
  Architecture::Output output;
  std::vector<int64_t> hidden;
  InitialValues initial;
  Loss loss;
  OptimizerSettings optimizer;
  int64_t steps;
  // 0: all examples.
  int64_t batch_size;
  double stop_loss;
  double base_noise_level;
  double min_imbalance;
};

absl::Span<const TaskDefaults> AllTasks();
const TaskDefaults& DefaultsOf(Task task);

// Where the data comes from; what a task does not need is ignored.
struct DataSource {
  // digits, csv: a file; fashion-mnist: a folder. "": where Debian's package puts it.
  std::string path;
  // csv: see ReadLabelledCsv.
  std::string label_column;
  // Draws the split of digits and csv, and the points of the spirals.
  uint64_t seed = 0;
};

// Loads or makes the task's examples. Errors name the file and what is wrong with it.
absl::StatusOr<Dataset> LoadData(Task task, const DataSource& source);

}  // namespace lehr

#endif  // LEHR_TRAINER_TASKS_H_
