// lehr-train: trains a network on a bundled task. Exit codes: 0 done, 1 failed, 2 wrong command
// line, 130 interrupted.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "trainer/atomic_file.h"
#include "trainer/checkpoint.h"
#include "trainer/collective.h"
#include "trainer/gzip_file.h"
#include "trainer/initialization.h"
#include "trainer/options.h"
#include "trainer/progress.h"
#include "trainer/ranks.h"
#include "trainer/result.h"
#include "trainer/supervision.h"
#include "trainer/tasks.h"
#include "trainer/training.h"

namespace lehr {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
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

// Fails early rather than after hours of training, and leaves nothing behind.
absl::Status CheckReplaceable(const std::string& path) {
  if (path.empty()) {
    return absl::OkStatus();
  }
  if (std::error_code error;
      std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error)) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is not a regular file"));
  }
  const std::string folder = std::filesystem::path(path).parent_path();
  return access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) == 0
             ? absl::OkStatus()
             : absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
}

// What a rank has before it trains.
struct Prepared {
  Dataset dataset;
  Architecture architecture;
};

absl::StatusOr<Prepared> Prepare(const TrainerOptions& options, bool writes_result) {
  if (absl::Status status = CheckReplaceable(writes_result ? options.json : ""); !status.ok()) {
    return status;
  }
  absl::StatusOr<Dataset> dataset = LoadData(options.task, options.data);
  if (!dataset.ok()) {
    return dataset.status();
  }
  absl::StatusOr<Architecture> architecture = NetworkFor(options, *dataset);
  if (!architecture.ok()) {
    return architecture.status();
  }
  return Prepared{*std::move(dataset), *std::move(architecture)};
}

// What all ranks must have alike, a line each.
std::string Describe(const TrainerOptions& options, const Dataset& dataset) {
  return absl::StrCat(SharedFlags(options), "\nthe CRC-32 ", DataChecksum(dataset),
                      " of the data set");
}

// The bytes of the checkpoint to continue from; nothing if there is none yet.
absl::StatusOr<std::optional<std::string>> ReadCheckpoint(const TrainerOptions& options) {
  const bool exists = access(options.checkpoint.c_str(), F_OK) == 0;
  if (exists && !options.resume) {
    return absl::AlreadyExistsError(absl::StrCat(
        "checkpoint ", options.checkpoint, " exists: continue it with --resume, or remove it"));
  }
  if (!exists) {
    return std::nullopt;
  }
  return ReadMaybeGzipFile(options.checkpoint);
}

// Rank 0 reads it for all.
absl::Status ContinueFromCheckpoint(const TrainerOptions& options, const Collective& ranks,
                                    const CheckpointIdentity& identity, Mlp& model,
                                    Optimizer& optimizer, TrainingState& state) {
  absl::StatusOr<std::optional<std::string>> checkpoint = std::nullopt;
  if (ranks.rank() == 0) {
    checkpoint = ReadCheckpoint(options);
  }
  if (absl::Status status = FirstError(ranks, checkpoint.status()); !status.ok()) {
    return status;
  }
  std::string exists(checkpoint->has_value() ? "yes" : "");
  std::string bytes = std::move(*checkpoint).value_or("");
  ranks.Broadcast(exists);
  ranks.Broadcast(bytes);
  if (exists.empty()) {
    return absl::OkStatus();
  }
  absl::Status status =
      RestoreCheckpoint(bytes, options.checkpoint, identity, model.tensors(), optimizer, state);
  if (status.ok() && ranks.rank() == 0) {
    std::cerr << "continuing " << options.checkpoint << " at step " << state.step << std::endl;
  }
  return status;
}

TrainingSettings SettingsFor(const TrainerOptions& options, const Collective& ranks,
                             int64_t examples) {
  const int64_t batch_size =
      options.batch_size == 0 ? examples : std::min(options.batch_size, examples);
  const int64_t steps_per_epoch = (examples + batch_size - 1) / batch_size;
  return {
      .loss = options.loss,
      .steps = options.steps,
      .batch_size = batch_size,
      .share = {.rank = ranks.rank(), .ranks = ranks.size()},
      .seed = options.seed,
      .stop_loss = options.stop_loss,
      .evaluate_every = options.evaluate_every > 0
                            ? options.evaluate_every
                            : std::max(steps_per_epoch, kFewestStepsBetweenEvaluations),
      .checkpoint_every = options.checkpoint_every,
      .stop_requested = &stop_requested,
  };
}

absl::StatusOr<int> TrainAndReport(const TrainerOptions& options, Collective& ranks) {
  const bool is_first = ranks.rank() == 0;
  const absl::StatusOr<Prepared> prepared = Prepare(options, /*writes_result=*/is_first);
  if (absl::Status status = FirstError(ranks, prepared.status()); !status.ok()) {
    return status;
  }
  const auto& [dataset, architecture] = *prepared;
  if (absl::Status status = CheckSameDescription(ranks, Describe(options, dataset)); !status.ok()) {
    return status;
  }
  const TrainingSettings settings = SettingsFor(options, ranks, dataset.train.size());

  Mlp model(architecture, std::max(settings.batch_size, kEvaluationRows));
  Initialize(options.initial, options.seed, model.tensors());
  Optimizer optimizer(options.optimizer, model.tensors());
  TrainingState state;
  TrainingHooks hooks;
  if (ranks.size() > 1) {
    hooks.all_reduce = [&ranks](absl::Span<float> values, StepTotals& totals) {
      ranks.AllReduce(values, totals);
    };
  }
  if (!options.checkpoint.empty()) {
    const CheckpointIdentity identity =
        IdentityOf(options, dataset, architecture, settings.batch_size);
    if (absl::Status status =
            ContinueFromCheckpoint(options, ranks, identity, model, optimizer, state);
        !status.ok()) {
      return status;
    }
    hooks.save_checkpoint = [&, identity](const TrainingState& state) {
      // The others wait for it, so that none of them is ahead of rank 0 for long.
      return FirstError(ranks, is_first ? SaveCheckpoint(options.checkpoint, identity,
                                                         model.tensors(), optimizer, state)
                                        : absl::OkStatus());
    };
  }
  std::shared_ptr<Client> supervisor;
  if (options.supervision.has_value()) {
    const JobPlace place = {.rank = static_cast<uint32_t>(ranks.rank()),
                            .world_size = static_cast<uint32_t>(ranks.size()),
                            .job_attempt = SharedNonce(ranks)};
    absl::StatusOr<std::shared_ptr<Client>> client =
        Supervise(*options.supervision, place,
                  {.seed = options.seed,
                   .steps = options.steps,
                   .examples = dataset.train.size(),
                   .whole_data_set = settings.batch_size >= dataset.train.size()},
                  model, optimizer, state, hooks);
    if (absl::Status status = FirstError(ranks, client.status()); !status.ok()) {
      return status;
    }
    supervisor = *std::move(client);
  }

  const auto started = Clock::now();
  ProgressPrinter printer(std::string(DefaultsOf(options.task).name), std::cerr,
                          TerminalColumns(STDERR_FILENO), started);
  if (is_first) {
    hooks.progress = [&printer](const TrainingProgress& progress) {
      printer.Show(progress, Clock::now());
    };
  }
  const absl::StatusOr<TrainingOutcome> outcome =
      Train(settings, dataset, model, optimizer, hooks, state);
  printer.Finish(Clock::now());
  if (!outcome.ok()) {
    return outcome.status();
  }
  if (supervisor != nullptr) {
    supervisor->Leave(outcome->stop_reason == StopReason::kSteps ||
                      outcome->stop_reason == StopReason::kStopLoss);
  }
  if (absl::Status status = CheckReplicas(ranks, ParameterChecksum(model.tensors()));
      !status.ok()) {
    return status;
  }

  const double wall_seconds = std::chrono::duration<double>(Clock::now() - started).count();
  if (is_first && !options.json.empty()) {
    const std::string json =
        ResultJson(options, ranks.size(), model, state, *outcome, wall_seconds);
    if (absl::Status status = ReplaceFile(options.json, json); !status.ok()) {
      return status;
    }
  }
  if (is_first) {
    std::cout << ResultLine(options, state, *outcome, wall_seconds) << std::endl;
  }
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

// Rank 0 speaks for all.
int Run(int argc, char** argv, Collective& ranks) {
  const bool is_first = ranks.rank() == 0;
  const auto parsed = ParseCommandLine(argc, argv);
  const auto* exit = std::get_if<ExitRequest>(&parsed);
  if (const absl::Status status =
          FirstError(ranks, exit == nullptr ? absl::OkStatus() : absl::CancelledError(exit->text));
      !status.ok()) {
    const int code = exit == nullptr ? kExitUsage : exit->code;
    if (is_first) {
      (code == 0 ? std::cout : std::cerr) << status.message() << std::flush;
    }
    return code;
  }
  StopOnSignals();
  const absl::StatusOr<int> code = TrainAndReport(std::get<TrainerOptions>(parsed), ranks);
  if (!code.ok() && is_first) {
    std::cerr << "lehr-train: " << code.status().message() << std::endl;
  }
  return code.ok() ? *code : kExitFailed;
}

}  // namespace
}  // namespace lehr

int main(int argc, char** argv) {
  lehr::Collective ranks;
  return lehr::Run(argc, argv, ranks);
}
