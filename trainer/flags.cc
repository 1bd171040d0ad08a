#include "trainer/flags.h"

#include <CLI/CLI.hpp>
#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

constexpr int64_t kMostCount = int64_t{1} << 62;
constexpr int64_t kMostLag = 64;

CLI::Validator Within(const std::string& description, bool (*accepts)(double)) {
  return CLI::Validator(
      [description, accepts](std::string& text) {
        double value = 0;
        const bool is_right = absl::SimpleAtod(text, &value) && accepts(value);
        return is_right ? std::string() : absl::StrCat(text, " is not ", description);
      },
      "");
}

CLI::Validator Positive() {
  return Within("a positive number", [](double x) { return x > 0 && std::isfinite(x); });
}
CLI::Validator NotNegative() {
  return Within("a number of at least 0", [](double x) { return x >= 0 && std::isfinite(x); });
}
CLI::Validator UpToOne() {
  return Within("in [0, 1]", [](double x) { return x >= 0 && x <= 1; });
}
CLI::Validator BelowOne() {
  return Within("in [0, 1)", [](double x) { return x >= 0 && x < 1; });
}
CLI::Validator Count() {
  return CLI::Validator(
      [](std::string& text) {
        int64_t value = 0;
        const bool is_right = absl::SimpleAtoi(text, &value) && value >= 0 && value <= kMostCount;
        return is_right ? std::string()
                        : absl::StrCat(text, " is not a whole number from 0 to 2^62");
      },
      "");
}
CLI::Validator Lag() {
  return CLI::Validator(
      [](std::string& text) {
        int64_t value = 0;
        const bool is_right = absl::SimpleAtoi(text, &value) && value >= 0 && value <= kMostLag;
        return is_right ? std::string()
                        : absl::StrCat(text, " is not a whole number from 0 to ", kMostLag);
      },
      "");
}
CLI::Validator Seed() {
  return CLI::Validator(
      [](std::string& text) {
        uint64_t value = 0;
        return absl::SimpleAtoi(text, &value)
                   ? std::string()
                   : absl::StrCat(text, " is not a whole number from 0 to 2^64 - 1");
      },
      "");
}

}  // namespace

void DeclareFlags(CLI::App& app, Flags& flags) {
  std::string group;
  const auto add = [&app, &group](const char* name, auto& value, const char* type,
                                  const char* help) {
    return app.add_option(name, value, help)->type_name(type)->group(group);
  };

  group = "Task";
  add("--task", flags.task, "NAME", "What to learn (see below)")->required();
  add("--data", flags.data, "PATH",
      "csv, digits: a file, may be .gz; fashion-mnist: a folder of IDX files");
  add("--label_column", flags.label_column, "NAME",
      "csv: the label's name in the header, or its number from 1 [the last]");
  add("--data_seed", flags.data_seed, "N",
      "Draws the test set of digits and csv, and the spirals' points [0]")
      ->check(Seed());

  group = "Model";
  add("--hidden", flags.hidden, "N,N,...", "Units of each hidden layer, e.g. 64,32; or none");
  add("--init", flags.initial, "NAME", "Initial values: torch or he");
  add("--loss", flags.loss, "NAME", "softmax, bce (with logits) or mse");

  group = "Training";
  add("--optimizer", flags.optimizer, "NAME", "sgd or adam");
  add("--lr", flags.learning_rate, "X", "Learning rate")->check(Positive());
  add("--momentum", flags.momentum, "X", "sgd: momentum, [0, 1)")->check(BelowOne());
  add("--beta1", flags.beta1, "X", "adam: decay of the mean, [0, 1)")->check(BelowOne());
  add("--beta2", flags.beta2, "X", "adam: decay of the squares, [0, 1)")->check(BelowOne());
  add("--epsilon", flags.epsilon, "X", "adam: added to the root")->check(Positive());
  add("--steps", flags.steps, "N", "Optimizer updates, those before a resume included")
      ->check(Count());
  add("--batch", flags.batch, "N", "Examples of a step; 0 for all")->check(Count());
  add("--seed", flags.seed, "N", "Draws initial values and the order of examples [0]")
      ->check(Seed());
  add("--stop_loss", flags.stop_loss, "X", "Stop at a step whose mean loss is below; 0 for never")
      ->check(NotNegative());
  add("--evaluate_every", flags.evaluate_every, "N",
      "Steps between evaluations; 0 for an epoch, but at least 100 [0]")
      ->check(Count());

  group = "Checkpoint";
  add("--checkpoint", flags.checkpoint, "FILE", "Where to save the state of the run");
  add("--checkpoint_every", flags.checkpoint_every, "N",
      "Steps between checkpoints; 0 for one at the end [0]")
      ->check(Count());
  app.add_flag("--resume", flags.resume,
               "Continue from the checkpoint; without one yet, start anew")
      ->group(group);

  group = "Lehr";
  add("--supervisor", flags.supervisor, "HOST:PORT",
      "Address of lehrd; none to train alone [none]");
  add("--tls_certificate", flags.tls.certificate, "FILE",
      "Certificate to show to a lehrd that wants one, in PEM");
  add("--tls_key", flags.tls.key, "FILE", "Its private key");
  add("--tls_ca", flags.tls.ca, "FILE",
      "Certificate of the CA that lehrd's certificate comes from");
  add("--run", flags.run, "ID", "The run's id [TASK-SEED]");
  add("--policy", flags.policy, "NAME", "error_driven, reheat or observe [error_driven]");
  add("--scope", flags.scope, "NAME",
      "Temperature of each batch, or of the whole dataset's latest losses [batch]");
  add("--base_noise_level", flags.base_noise_level, "X",
      "Noise standard deviation per unit of temperature")
      ->check(NotNegative());
  add("--min_imbalance", flags.min_imbalance, "X",
      "No noise at or below this imbalance of the losses, [0, 1]")
      ->check(UpToOne());
  add("--lag", flags.lag, "N",
      "Apply noise so many steps later, so that no step waits for it, 0 to 64 [0]")
      ->check(Lag());

  group = "Output";
  add("--json", flags.json, "FILE", "Write the result to this file");
}

}  // namespace lehr
