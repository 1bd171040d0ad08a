// The flags of lehr-train as they were given, before a task's defaults fill the gaps (see
// options.h).
#ifndef LEHR_TRAINER_FLAGS_H_
#define LEHR_TRAINER_FLAGS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "client/tls/tls_files.h"

namespace CLI {
class App;
}

namespace lehr {

struct Flags {
  std::string task;
  std::string data;
  std::string label_column;
  uint64_t data_seed = 0;
  std::optional<std::string> hidden;
  std::optional<std::string> initial;
  std::optional<std::string> loss;
  std::optional<std::string> optimizer;
  std::optional<double> learning_rate;
  std::optional<double> momentum;
  std::optional<double> beta1;
  std::optional<double> beta2;
  std::optional<double> epsilon;
  std::optional<int64_t> steps;
  std::optional<int64_t> batch;
  uint64_t seed = 0;
  std::optional<double> stop_loss;
  int64_t evaluate_every = 0;
  std::string checkpoint;
  int64_t checkpoint_every = 0;
  bool resume = false;
  std::string supervisor = "none";
  TlsFiles tls;
  std::string run;
  std::string policy = "error_driven";
  std::string scope = "batch";
  std::optional<double> base_noise_level;
  std::optional<double> min_imbalance;
  int64_t lag = 0;
  std::string json;
};

// Declares every flag, with its help and, for numbers, its bounds. Parsing then fills in `flags`,
// which must outlive it.
void DeclareFlags(CLI::App& app, Flags& flags);

}  // namespace lehr

#endif  // LEHR_TRAINER_FLAGS_H_
