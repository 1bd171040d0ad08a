#include "client/client.h"

#include <algorithm>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/command.h"
#include "client/core/parameter_digest.h"
#include "client/event_log.h"
#include "client/supervisor_connection.h"

namespace lehr {
namespace {

constexpr size_t kMaxStepLosses = size_t{1} << 24;
constexpr int64_t kMaxStep = int64_t{1} << 62;
constexpr absl::Duration kLongestPause = absl::Hours(24);

// Why the step cannot be reported; empty if it can.
std::string Fault(int64_t step, int64_t least_step, size_t losses, size_t example_ids) {
  if (step < least_step || step >= kMaxStep) {
    return absl::StrCat("steps must grow, from ", least_step, " on");
  }
  if (losses > kMaxStepLosses) {
    return absl::StrCat("it has ", losses, " losses, at most ", kMaxStepLosses, " can be");
  }
  if (example_ids != 0 && example_ids != losses) {
    return absl::StrCat("it has ", losses, " losses and ", example_ids, " example ids");
  }
  return "";
}

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> Client::Create(ClientOptions options) {
  if (absl::Status status = CheckClientOptions(options); !status.ok()) {
    return status;
  }
  return std::unique_ptr<Client>(new Client(std::move(options)));
}

Client::Client(ClientOptions options)
    : options_(std::move(options)),
      log_(std::make_unique<EventLog>(options_.log)),
      connection_(std::make_unique<SupervisorConnection>(
          SupervisorConnection::Options{.supervisor = options_.supervisor,
                                        .join = MakeJoin(options_),
                                        .connect_timeout = options_.connect_timeout,
                                        .decision_timeout = options_.decision_timeout,
                                        .backoff_seed = std::random_device()()},
          options_.tls, *log_)),
      snapshots_(options_.snapshots),
      last_step_(options_.resume_step - 1) {}

Client::~Client() = default;

StepResult Client::Step(int64_t step, absl::Span<const float> losses,
                        absl::Span<const uint64_t> example_ids, absl::Span<const Tensor> tensors) {
  Report(step, losses, example_ids);
  return Apply(Agree(AwaitCommandHash(tensors)));
}

StepResult Client::LastStep(int64_t step, absl::Span<const float> losses,
                            absl::Span<const uint64_t> example_ids) {
  Report(step, losses, example_ids);
  if (std::exchange(awaits_decision_, false)) {
    connection_->AwaitDecision();
  }
  return Discard();
}

void Client::Report(int64_t step, absl::Span<const float> losses,
                    absl::Span<const uint64_t> example_ids) {
  command_.reset();
  tensors_ = {};
  awaits_decision_ = false;
  const std::string fault = Fault(step, last_step_ + 1, losses.size(), example_ids.size());
  if (!fault.empty()) {
    log_->NoteOnce("not reportable", absl::StrCat("step ", step, " is not reported: ", fault));
    return;
  }
  last_step_ = step;
  awaits_decision_ = true;
  connection_->Report({.step = step,
                       .losses = {losses.begin(), losses.end()},
                       .example_ids = {example_ids.begin(), example_ids.end()},
                       .snapshots = snapshots_.held()});
}

uint64_t Client::AwaitCommandHash(absl::Span<const Tensor> tensors) {
  if (!std::exchange(awaits_decision_, false)) {
    return 0;
  }
  tensors_ = tensors;
  connection_->AwaitDecision();
  std::optional<HeldDecision> held = connection_->TakeCommand(last_step_ + 1);
  if (!held) {
    return 0;
  }
  command_ = std::make_unique<const Command>(
      *std::move(held), tensors, *connection_->declared_tensors(),
      TrainerHooks{.snapshots = snapshots_, .scale_learning_rate = options_.scale_learning_rate});
  return command_->hash();
}

StepResult Client::Apply(const AgreeResult& agreed) {
  StepResult result;
  if (const auto command = std::move(command_)) {
    ApplyIfAgreed(*command, agreed, result);
  }
  if (!tensors_.empty()) {
    DigestParameters(last_step_ + 1, result.applied);
  }
  Conclude(result);
  return result;
}

StepResult Client::Discard() {
  command_.reset();
  StepResult result;
  Conclude(result);
  return result;
}

void Client::ApplyIfAgreed(const Command& command, const AgreeResult& agreed, StepResult& result) {
  AppliedCommand applied =
      command.ApplyIf(agreed.min == command.hash() && agreed.max == command.hash());
  result.applied = applied.outcome.result == CommandOutcome::Result::kApplied;
  result.perturbed = applied.outcome.perturbed;
  result.non_finite = applied.outcome.non_finite;
  result.unchanged = applied.outcome.unchanged;
  result.reset_optimizer_state = std::move(applied.reset_optimizer_state);
  connection_->SetOutcome(std::move(applied.outcome));
}

// Of the parameters as they are before `next_step`, where replicas are to be compared.
void Client::DigestParameters(int64_t next_step, bool applied) {
  if (options_.parameter_digest && options_.world_size > 1 &&
      (applied || connection_->WantsDigest(next_step))) {
    connection_->SetParameterDigest(ParameterDigest(tensors_));
  }
}

AgreeResult Client::Agree(uint64_t hash) const {
  if (options_.agree) {
    return options_.agree(hash);
  }
  return options_.world_size == 1 ? AgreeResult{.min = hash, .max = hash} : AgreeResult{};
}

void Client::Conclude(StepResult& result) {
  SupervisorConnection::Status status = connection_->TakeStatus();
  if (generation_ != 0 && status.generation != generation_) {
    // Another generation knows nothing of them.
    snapshots_.DropAll();
  }
  generation_ = status.generation;
  result.connected = status.joined;
  result.generation = status.generation;
  result.decision = std::move(status.newest_decision);
  log_->Tell();
}

void Client::Pause(std::string_view reason, absl::Duration at_most) {
  connection_->Pause(
      {.reason = std::string(reason), .until = absl::Now() + std::min(at_most, kLongestPause)});
}

void Client::Checkpointed(int64_t step) { connection_->Checkpointed(step); }

void Client::Leave(bool completed) {
  connection_->Leave(completed);
  log_->Tell();
}

}  // namespace lehr
