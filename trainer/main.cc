// lehr-train: trains a network on a bundled task. Exit codes: 0 done, 1 failed, 2 wrong command
// line, 130 interrupted.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "trainer/batches.h"
#include "trainer/checkpoint.h"
#include "trainer/initialization.h"
#include "trainer/options.h"
#include "trainer/progress.h"
#include "trainer/result.h"
#include "trainer/supervision.h"
#include "trainer/tasks.h"
#include "trainer/training.h"

namespace lehr {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kExitFailed = 1;
constexpr int kExitInterrupted = 130;
// Four bytes each for value and gradient, and up to eight for the optimizer.
constexpr int64_t kMostParameters = int64_t{1} << 29;
// Evaluation takes at least so many examples at once.
constexpr int64_t kEvaluationRows = 256;
constexpr int64_t kFewestStepsBetweenEvaluations = 100;

std::atomic<bool> stop_requested = false;
static_assert(std::atomic<bool>::is_always_lock_free, "set by a signal handler");

// The first signal ends the training after its step, the second one the process.
void StopOnSignals() {
  struct sigaction action = {};
  action.sa_handler = [](int) { stop_requested = true; };
  action.sa_flags = SA_RESETHAND;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

absl::StatusOr<Architecture> NetworkFor(const TrainerOptions& options, const Dataset& dataset) {
  const Architecture architecture = {
      .inputs = dataset.features,
      .hidden = options.hidden,
      .outputs = OutputsFor(options.loss, dataset.classes),
      .output = DefaultsOf(options.task).output,
  };
  const int64_t parameters = ParameterCount(architecture);
  if (parameters > kMostParameters) {
    return absl::InvalidArgumentError(absl::StrCat("the network ", ToString(architecture),
                                                   " would have ", parameters,
                                                   " parameters, more than ", kMostParameters));
  }
  return architecture;
}

CheckpointIdentity IdentityOf(const TrainerOptions& options, const Dataset& dataset,
                              const Architecture& architecture, int64_t batch_size) {
  return {
      {"task", std::string(DefaultsOf(options.task).name)},
      {"architecture", ToString(architecture)},
      {"loss", ToString(options.loss)},
      {"optimizer", ToString(options.optimizer.kind)},
      {"seed", absl::StrCat(options.seed)},
      {"data seed", absl::StrCat(options.data.seed)},
      {"number of training examples", absl::StrCat(dataset.train.size())},
      {"batch size", absl::StrCat(batch_size)},
  };
}

// Fails early rather than after hours of training.
absl::Status CheckWritable(const std::string& path) {
  if (path.empty() || std::ofstream(path, std::ios::app).good()) {
    return absl::OkStatus();
  }
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
}

absl::Status WriteFile(const std::string& path, const std::string& content) {
  std::ofstream file(path);
  file << content << std::flush;
  return file.good() ? absl::OkStatus()
                     : absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
}

absl::Status ContinueFromCheckpoint(const TrainerOptions& options,
                                    const CheckpointIdentity& identity, Mlp& model,
                                    Optimizer& optimizer, TrainingState& state) {
  const bool exists = access(options.checkpoint.c_str(), F_OK) == 0;
  if (exists && !options.resume) {
    return absl::AlreadyExistsError(absl::StrCat(
        "checkpoint ", options.checkpoint, " exists: continue it with --resume, or remove it"));
  }
  if (!exists) {
    return absl::OkStatus();
  }
  absl::Status status =
      LoadCheckpoint(options.checkpoint, identity, model.tensors(), optimizer, state);
  if (status.ok()) {
    std::cerr << "continuing " << options.checkpoint << " at step " << state.step << std::endl;
  }
  return status;
}

absl::StatusOr<int> TrainAndReport(const TrainerOptions& options) {
  if (absl::Status status = CheckWritable(options.json); !status.ok()) {
    return status;
  }
  const absl::StatusOr<Dataset> dataset = LoadData(options.task, options.data);
  if (!dataset.ok()) {
    return dataset.status();
  }
  const absl::StatusOr<Architecture> architecture = NetworkFor(options, *dataset);
  if (!architecture.ok()) {
    return architecture.status();
  }
  const int64_t examples = dataset->train.size();
  const int64_t batch_size =
      options.batch_size == 0 ? examples : std::min(options.batch_size, examples);
  const int64_t steps_per_epoch = (examples + batch_size - 1) / batch_size;
  const TrainingSettings settings = {
      .loss = options.loss,
      .steps = options.steps,
      .batch_size = batch_size,
      .seed = options.seed,
      .stop_loss = options.stop_loss,
      .evaluate_every = options.evaluate_every > 0
                            ? options.evaluate_every
                            : std::max(steps_per_epoch, kFewestStepsBetweenEvaluations),
      .checkpoint_every = options.checkpoint_every,
      .stop_requested = &stop_requested,
  };

  Mlp model(*architecture, std::max(batch_size, kEvaluationRows));
  Initialize(options.initial, options.seed, model.tensors());
  Optimizer optimizer(options.optimizer, model.tensors());
  TrainingState state;
  TrainingHooks hooks;
  if (!options.checkpoint.empty()) {
    const CheckpointIdentity identity = IdentityOf(options, *dataset, *architecture, batch_size);
    if (absl::Status status = ContinueFromCheckpoint(options, identity, model, optimizer, state);
        !status.ok()) {
      return status;
    }
    hooks.save_checkpoint = [&options, &model, &optimizer, identity](const TrainingState& state) {
      return SaveCheckpoint(options.checkpoint, identity, model.tensors(), optimizer, state);
    };
  }
  std::shared_ptr<Client> supervisor;
  if (options.supervision.has_value()) {
    absl::StatusOr<std::shared_ptr<Client>> client =
        Supervise(*options.supervision,
                  {.seed = options.seed,
                   .steps = options.steps,
                   .examples_in_batches = batch_size < examples ? examples : 0},
                  model, state, hooks);
    if (!client.ok()) {
      return client.status();
    }
    supervisor = *std::move(client);
  }

  const auto started = Clock::now();
  ProgressPrinter printer(std::string(DefaultsOf(options.task).name), std::cerr,
                          TerminalColumns(STDERR_FILENO), started);
  hooks.progress = [&printer](const TrainingProgress& progress) {
    printer.Show(progress, Clock::now());
  };
  const absl::StatusOr<TrainingOutcome> outcome =
      Train(settings, *dataset, model, optimizer, hooks, state);
  printer.Finish(Clock::now());
  if (!outcome.ok()) {
    return outcome.status();
  }
  if (supervisor != nullptr) {
    supervisor->Leave(outcome->stop_reason == StopReason::kSteps ||
                      outcome->stop_reason == StopReason::kStopLoss);
  }

  const double wall_seconds = std::chrono::duration<double>(Clock::now() - started).count();
  if (!options.json.empty()) {
    const std::string json = ResultJson(options, model, state, *outcome, wall_seconds);
    if (absl::Status status = WriteFile(options.json, json); !status.ok()) {
      return status;
    }
  }
  std::cout << ResultLine(options, state, *outcome, wall_seconds) << std::endl;
  switch (outcome->stop_reason) {
    case StopReason::kSteps:
    case StopReason::kStopLoss:
      return 0;
    case StopReason::kInterrupted:
      return kExitInterrupted;
    case StopReason::kLossNotFinite:
      return absl::OutOfRangeError(absl::StrCat(outcome->message, "; training stopped"));
  }
  return kExitFailed;
}

}  // namespace
}  // namespace lehr

int main(int argc, char** argv) {
  const auto parsed = lehr::ParseCommandLine(argc, argv);
  if (const auto* exit = std::get_if<lehr::ExitRequest>(&parsed)) {
    (exit->code == 0 ? std::cout : std::cerr) << exit->text << std::flush;
    return exit->code;
  }
  lehr::StopOnSignals();
  const absl::StatusOr<int> code = lehr::TrainAndReport(std::get<lehr::TrainerOptions>(parsed));
  if (!code.ok()) {
    std::cerr << "lehr-train: " << code.status().message() << std::endl;
    return lehr::kExitFailed;
  }
  return *code;
}
