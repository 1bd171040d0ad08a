// The command line of lehr-train.
#ifndef LEHR_TRAINER_OPTIONS_H_
#define LEHR_TRAINER_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "client/tls/tls_files.h"
#include "trainer/initialization.h"
#include "trainer/losses.h"
#include "trainer/optimizer.h"
#include "trainer/tasks.h"

namespace lehr {

// The supervisor to train under.
struct SupervisionOptions {
  // HOST:PORT.
  std::string address;
  // None: the connection is not encrypted. Not checked yet.
  TlsFiles tls;
  // 1 to 128 letters, digits, '.', '_' and '-', the first a letter or digit.
  std::string run;
  // "error_driven", "reheat" or "observe".
  std::string policy;
  // Whose losses the temperature is of: "batch" or "dataset".
  std::string scope;
  // Noise standard deviation per unit of temperature. Finite, >= 0.
  double base_noise_level;
  // No noise at or below this unsquared imbalance. [0, 1].
  double min_imbalance;
  // A command is applied so many steps later than it could be. [0, 64].
  int64_t lag;
};

// The command line with the task's defaults filled in; every value is within its bounds.
struct TrainerOptions {
  Task task;
  DataSource data;
  std::vector<int64_t> hidden;
  InitialValues initial;
  Loss loss;
  OptimizerSettings optimizer;
  int64_t steps;
  // 0: all examples.
  int64_t batch_size;
  uint64_t seed;
  double stop_loss;
  // 0: once an epoch, but not more often than every 100 steps.
  int64_t evaluate_every;
  // Empty: none.
  std::string checkpoint;
  int64_t checkpoint_every;
  bool resume;
  // Empty: trains alone.
  std::optional<SupervisionOptions> supervision;
  // Empty: none.
  std::string json;
};

// The flags that all ranks of a job must have alike, a line each; where a rank finds its supervisor
// and its files is its own affair.
std::string SharedFlags(const TrainerOptions& options);

// What main does instead of training: print `text` (help, or a message with the offending value)
// and exit with `code`.
struct ExitRequest {
  int code;
  std::string text;
};

std::variant<TrainerOptions, ExitRequest> ParseCommandLine(int argc, const char* const* argv);

// As on the command line: "torch", "softmax", "adam", ....
std::string ToString(InitialValues initial);
std::string ToString(Loss loss);
std::string ToString(OptimizerKind kind);

}  // namespace lehr

#endif  // LEHR_TRAINER_OPTIONS_H_
