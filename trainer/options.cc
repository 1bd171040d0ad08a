#include "trainer/options.h"

#include <CLI/CLI.hpp>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "trainer/flags.h"

namespace lehr {
namespace {

constexpr int64_t kMostUnits = 65'536;
constexpr size_t kMostLayers = 1000;
constexpr int kExitUsage = 2;

template <typename Value>
using Names = std::vector<std::pair<std::string, Value>>;

const Names<InitialValues> kInitialValueNames = {
    {"torch", InitialValues::kTorch}, {"he", InitialValues::kHe}, {"paper", InitialValues::kPaper}};
const Names<Loss> kLossNames = {{"softmax", Loss::kSoftmaxCrossEntropy},
                                {"bce", Loss::kBinaryCrossEntropy},
                                {"mse", Loss::kMeanSquaredError}};
const Names<OptimizerKind> kOptimizerNames = {{"sgd", OptimizerKind::kSgd},
                                              {"adam", OptimizerKind::kAdam}};

Names<Task> TaskNames() {
  Names<Task> names;
  for (const TaskDefaults& task : AllTasks()) {
    names.emplace_back(task.name, task.task);
  }
  return names;
}

template <typename Value>
std::string NameOf(Value value, const Names<Value>& names) {
  for (const auto& [name, named] : names) {
    if (named == value) {
      return name;
    }
  }
  return "?";
}

// Bad values become CLI::ValidationError, which holds the flag and the value.
template <typename Value>
Value Parse(const std::string& flag, const std::string& text, const Names<Value>& names) {
  for (const auto& [name, value] : names) {
    if (name == text) {
      return value;
    }
  }
  throw CLI::ValidationError(
      flag, absl::StrCat("\"", text, "\" is not one of ",
                         absl::StrJoin(names, ", ", [](std::string* out, const auto& entry) {
                           out->append(entry.first);
                         })));
}

std::vector<int64_t> ParseHidden(const std::string& text) {
  std::vector<int64_t> widths;
  if (text == "none") {
    return widths;
  }
  for (const auto& part : absl::StrSplit(text, ',')) {
    int64_t width = 0;
    if (!absl::SimpleAtoi(part, &width) || width < 1 || width > kMostUnits) {
      throw CLI::ValidationError(
          "--hidden", absl::StrCat("\"", text, "\" is not a list of widths from 1 to ", kMostUnits,
                                   " such as 64,32, or none"));
    }
    widths.push_back(width);
  }
  if (widths.size() > kMostLayers) {
    throw CLI::ValidationError("--hidden",
                               absl::StrCat(widths.size(), " layers are more than ", kMostLayers));
  }
  return widths;
}

void CheckAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 1 || port > 65535) {
    throw CLI::ValidationError("--supervisor",
                               absl::StrCat("\"", address, "\" is neither HOST:PORT nor none"));
  }
}

void CheckRunId(const std::string& run) {
  bool is_valid = !run.empty() && run.size() <= 128 && absl::ascii_isalnum(run[0]);
  for (const char c : run) {
    is_valid = is_valid && (absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-');
  }
  if (!is_valid) {
    throw CLI::ValidationError(
        "--run", absl::StrCat("\"", run,
                              "\" is not 1 to 128 letters, digits, '.', '_' and '-' that start "
                              "with a letter or digit"));
  }
}

// The flags that are of no use with the others, e.g. --momentum with Adam.
void CheckCombinations(const Flags& flags, Task task, OptimizerKind optimizer) {
  const auto refuse = [](const char* flag, bool given, const std::string& reason) {
    if (given) {
      throw CLI::ValidationError(flag, reason);
    }
  };
  if (task == Task::kXorReluSum) {
    const std::string fixed = "xor-relu-sum is the paper's network and has it fixed";
    refuse("--hidden", flags.hidden.has_value(), fixed);
    refuse("--init", flags.initial.has_value(), fixed);
    refuse("--loss", flags.loss.has_value(), fixed);
  }
  const bool has_file = task == Task::kCsv || task == Task::kDigits || task == Task::kFashionMnist;
  refuse("--data", !flags.data.empty() && !has_file, flags.task + " reads no file");
  refuse("--data", flags.data.empty() && task == Task::kCsv, "--task=csv needs a file");
  refuse("--label_column", !flags.label_column.empty() && task != Task::kCsv,
         "it is for --task=csv");
  const bool is_adam = optimizer == OptimizerKind::kAdam;
  refuse("--momentum", flags.momentum.has_value() && is_adam, "it is for --optimizer=sgd");
  refuse("--beta1", flags.beta1.has_value() && !is_adam, "it is for --optimizer=adam");
  refuse("--beta2", flags.beta2.has_value() && !is_adam, "it is for --optimizer=adam");
  refuse("--epsilon", flags.epsilon.has_value() && !is_adam, "it is for --optimizer=adam");
  refuse("--resume", flags.resume && flags.checkpoint.empty(), "it needs --checkpoint");
  refuse("--checkpoint_every", flags.checkpoint_every > 0 && flags.checkpoint.empty(),
         "it needs --checkpoint");
}

// The task's optimizer if the kind is the same, else that kind's usual settings.
OptimizerSettings ResolveOptimizer(const Flags& flags, const OptimizerSettings& of_task) {
  OptimizerSettings settings = of_task;
  if (flags.optimizer.has_value()) {
    const OptimizerKind kind = Parse("--optimizer", *flags.optimizer, kOptimizerNames);
    if (kind != of_task.kind) {
      settings = {.kind = kind, .learning_rate = kind == OptimizerKind::kAdam ? 0.001 : 0.1};
    }
  }
  settings.learning_rate = flags.learning_rate.value_or(settings.learning_rate);
  settings.momentum = flags.momentum.value_or(settings.momentum);
  settings.beta1 = flags.beta1.value_or(settings.beta1);
  settings.beta2 = flags.beta2.value_or(settings.beta2);
  settings.epsilon = flags.epsilon.value_or(settings.epsilon);
  return settings;
}

std::optional<SupervisionOptions> ResolveSupervision(const Flags& flags,
                                                     const TaskDefaults& defaults) {
  if (flags.policy != "error_driven" && flags.policy != "reheat" && flags.policy != "observe") {
    throw CLI::ValidationError(
        "--policy",
        absl::StrCat("\"", flags.policy, "\" is not one of error_driven, reheat, observe"));
  }
  if (flags.scope != "batch" && flags.scope != "dataset") {
    throw CLI::ValidationError("--scope",
                               absl::StrCat("\"", flags.scope, "\" is not one of batch, dataset"));
  }
  const std::string run = flags.run.empty() ? absl::StrCat(flags.task, "-", flags.seed) : flags.run;
  CheckRunId(run);
  if (flags.supervisor == "none") {
    return std::nullopt;
  }
  CheckAddress(flags.supervisor);
  return SupervisionOptions{
      .address = flags.supervisor,
      .tls = flags.tls,
      .run = run,
      .policy = flags.policy,
      .scope = flags.scope,
      .base_noise_level = flags.base_noise_level.value_or(defaults.base_noise_level),
      .min_imbalance = flags.min_imbalance.value_or(defaults.min_imbalance),
      .lag = flags.lag,
  };
}

TrainerOptions Resolve(const Flags& flags) {
  const Task task = Parse("--task", flags.task, TaskNames());
  const TaskDefaults& defaults = DefaultsOf(task);
  const OptimizerSettings optimizer = ResolveOptimizer(flags, defaults.optimizer);
  CheckCombinations(flags, task, optimizer.kind);
  // The paper's initial values are no choice of the user.
  const Names<InitialValues> choices(kInitialValueNames.begin(), kInitialValueNames.begin() + 2);
  return {
      .task = task,
      .data = {flags.data, flags.label_column, flags.data_seed},
      .hidden = flags.hidden.has_value() ? ParseHidden(*flags.hidden) : defaults.hidden,
      .initial =
          flags.initial.has_value() ? Parse("--init", *flags.initial, choices) : defaults.initial,
      .loss = flags.loss.has_value() ? Parse("--loss", *flags.loss, kLossNames) : defaults.loss,
      .optimizer = optimizer,
      .steps = flags.steps.value_or(defaults.steps),
      .batch_size = flags.batch.value_or(defaults.batch_size),
      .seed = flags.seed,
      .stop_loss = flags.stop_loss.value_or(defaults.stop_loss),
      .evaluate_every = flags.evaluate_every,
      .checkpoint = flags.checkpoint,
      .checkpoint_every = flags.checkpoint_every,
      .resume = flags.resume,
      .supervision = ResolveSupervision(flags, defaults),
      .json = flags.json,
  };
}

std::string DescribeOptimizer(const OptimizerSettings& optimizer) {
  std::string text = absl::StrFormat("%s lr %g", ToString(optimizer.kind), optimizer.learning_rate);
  if (optimizer.kind == OptimizerKind::kAdam) {
    absl::StrAppendFormat(&text, " beta %g %g", optimizer.beta1, optimizer.beta2);
  } else if (optimizer.momentum > 0) {
    absl::StrAppendFormat(&text, " momentum %g", optimizer.momentum);
  }
  return text;
}

std::string TaskTable() {
  std::string table = "Tasks, and what they take where no flag says otherwise:\n";
  for (const TaskDefaults& task : AllTasks()) {
    absl::StrAppendFormat(
        &table, "  %-14s %s\n%17shidden %s, init %s, loss %s, %s, %d steps of %s\n",
        std::string(task.name), std::string(task.summary), "", absl::StrJoin(task.hidden, ","),
        ToString(task.initial), ToString(task.loss), DescribeOptimizer(task.optimizer), task.steps,
        task.batch_size == 0 ? "all examples" : absl::StrCat(task.batch_size));
  }
  absl::StrAppend(
      &table,
      "\nExamples:\n"
      "  lehr-train --task=digits --hidden=64,32 --seed=1 --json=result.json\n"
      "  lehr-train --task=xor-relu-sum --seed=3 --supervisor=127.0.0.1:7070\n"
      "  mpirun -n 4 lehr-train --task=digits --policy=reheat --supervisor=127.0.0.1:7070 "
      "--lag=1");
  return table;
}

}  // namespace

std::string ToString(InitialValues initial) { return NameOf(initial, kInitialValueNames); }
std::string ToString(Loss loss) { return NameOf(loss, kLossNames); }
std::string ToString(OptimizerKind kind) { return NameOf(kind, kOptimizerNames); }

std::string SharedFlags(const TrainerOptions& options) {
  const OptimizerSettings& optimizer = options.optimizer;
  std::string flags = absl::StrCat(
      "--task=", std::string(DefaultsOf(options.task).name),
      "\n--label_column=", options.data.label_column, "\n--data_seed=", options.data.seed,
      "\n--hidden=", absl::StrJoin(options.hidden, ","), "\n--init=", ToString(options.initial),
      "\n--loss=", ToString(options.loss), "\n--optimizer=", ToString(optimizer.kind));
  absl::StrAppendFormat(&flags,
                        "\n--lr=%.17g\n--momentum=%.17g\n--beta1=%.17g\n--beta2=%.17g"
                        "\n--epsilon=%.17g\n--stop_loss=%.17g",
                        optimizer.learning_rate, optimizer.momentum, optimizer.beta1,
                        optimizer.beta2, optimizer.epsilon, options.stop_loss);
  absl::StrAppend(&flags, "\n--steps=", options.steps, "\n--batch=", options.batch_size,
                  "\n--seed=", options.seed, "\n--evaluate_every=", options.evaluate_every,
                  "\n--checkpoint=", options.checkpoint.empty() ? "none" : "a file",
                  "\n--checkpoint_every=", options.checkpoint_every);
  if (!options.supervision.has_value()) {
    return absl::StrCat(flags, "\n--supervisor=none");
  }
  const SupervisionOptions& supervision = *options.supervision;
  absl::StrAppend(&flags, "\n--supervisor=an address\n--run=", supervision.run,
                  "\n--policy=", supervision.policy, "\n--scope=", supervision.scope,
                  "\n--lag=", supervision.lag);
  return flags + absl::StrFormat("\n--base_noise_level=%.17g\n--min_imbalance=%.17g",
                                 supervision.base_noise_level, supervision.min_imbalance);
}

std::variant<TrainerOptions, ExitRequest> ParseCommandLine(int argc, const char* const* argv) {
  CLI::App app("Trains a ReLU network on a bundled task, alone or under the supervisor lehrd.",
               "lehr-train");
  app.get_formatter()->column_width(32);
  app.footer(TaskTable());
  Flags flags;
  DeclareFlags(app, flags);
  try {
    app.parse(argc, argv);
    return Resolve(flags);
  } catch (const CLI::CallForHelp&) {
    return ExitRequest{0, app.help()};
  } catch (const CLI::ParseError& error) {
    return ExitRequest{kExitUsage,
                       absl::StrCat("lehr-train: ", error.what(), "\nSee lehr-train --help.\n")};
  }
}

}  // namespace lehr
