#include "tests/simulation/rank_process.h"

#include <utility>

#include "client/core/parameter_digest.h"
#include "client/supervisor_connection.h"

namespace lehr::simulation {
namespace {

// The policies that are simulated make noise only. So that ranks agree on the other actions too,
// each adds those of the decision's step.
void AddActions(HeldDecision& held) {
  if (held.step % 5 == 1) {
    held.actions.emplace_back(SetIdentity{});
  }
  if (held.step % 3 == 1) {
    held.actions.emplace_back(
        ScaleLearningRate{.factor = 1 / static_cast<float>(1 + held.step % 4)});
  }
}

}  // namespace

RankProcess::RankProcess(Options options, Parameters parameters)
    : options_(std::move(options)),
      parameters_(std::move(parameters)),
      log_([checker = &options_.checker, number = options_.number](std::string_view line) {
        checker->RankSays(number, line);
      }),
      letters_({.supervisor = "supervisor",
                .join = options_.join,
                .connect_timeout = options_.scenario.connect_timeout,
                .decision_timeout = options_.scenario.decision_timeout,
                .backoff_seed = options_.random.Next()},
               log_) {
  tensors_ = {{.name = "weight", .values = absl::MakeSpan(parameters_.weight)},
              {.name = "bias", .values = absl::MakeSpan(parameters_.bias)}};
  Connect();
}

void RankProcess::Connect() {
  if (dead_ || letters_.over()) {
    return;
  }
  stream_ = std::make_shared<Stream>(options_.queue, options_.random, options_.link);
  auto received_any = std::make_shared<bool>(false);
  stream_->Attach(Stream::RankEnd{
      .received =
          [this, received_any](v1::SuperviseResponse& response) {
            if (dead_) {
              return;
            }
            *received_any = true;
            options_.checker.RankReceives(options_.number, response);
            letters_.Take(response, options_.queue.now());
            Carry();
            log_.Tell();
            ContinueIfDone();
          },
      .ended =
          [this, ended = stream_.get()](const absl::Status& status) {
            if (ended == stream_.get()) {
              Ended(status);
            }
          },
  });
  options_.queue.After(kJoinTimeout, [this, stream = stream_, received_any] {
    if (stream == stream_ && !*received_any) {
      stream->Cancel();
    }
  });
  const absl::Time connected =
      std::max({options_.queue.now(), options_.link.up_blocked_until,
                options_.link.down_blocked_until}) +
      options_.random.Between(options_.link.latency, 2 * options_.link.latency);
  options_.queue.At(connected, [this, stream = stream_] {
    if (dead_ || stream != stream_) {
      return;
    }
    if (!options_.connect(stream, options_.number)) {
      stream_->Refuse();
      return;
    }
    if (!letters_.over()) {
      letters_.Begin();
      Carry();
    }
  });
}

void RankProcess::Ended(const absl::Status& status) {
  if (dead_) {
    return;
  }
  stream_.reset();
  letters_.End(status);
  log_.Tell();
  ContinueIfDone();
  if (!letters_.over()) {
    options_.queue.After(letters_.ReconnectDelay(), [this] { Connect(); });
  }
}

// As SupervisorConnection::TakeErrand.
void RankProcess::Carry() {
  if (stream_ == nullptr) {
    return;
  }
  if (letters_.unwanted()) {
    stream_->Cancel();
    return;
  }
  while (!letters_.outgoing().empty()) {
    const v1::SuperviseRequest& request = letters_.outgoing().Take();
    options_.checker.RankSends(options_.number, request);
    stream_->Send(request);
  }
  if (letters_.leaves() && !half_closed_) {
    half_closed_ = true;
    stream_->HalfClose();
  }
}

void RankProcess::Report(int64_t step, std::vector<float> losses,
                         std::function<void(uint64_t)> hashed) {
  step_ = step;
  hashed_ = std::move(hashed);
  const absl::Time now = options_.queue.now();
  options_.checker.RankReports(options_.number, step);
  letters_.Report({.step = step, .losses = std::move(losses)}, now);
  Carry();
  if (letters_.Waiting(now)) {
    options_.queue.At(letters_.wait_deadline(), [this, step] {
      if (step == step_) {
        ContinueIfDone();
      }
    });
  }
  ContinueIfDone();
}

// The step at hand need not wait any longer: as Client::AwaitCommandHash.
void RankProcess::ContinueIfDone() {
  const absl::Time now = options_.queue.now();
  if (dead_ || !hashed_) {
    return;
  }
  if (letters_.Waiting(now)) {
    // A Welcome may have moved the deadline.
    options_.queue.At(letters_.wait_deadline(), [this, step = step_] {
      if (step == step_) {
        ContinueIfDone();
      }
    });
    return;
  }
  letters_.GiveUp(now);
  Carry();
  log_.Tell();
  options_.checker.RankContinues(options_.number, step_);
  held_ = letters_.session().TakeCommand(step_ + 1);
  command_.reset();
  if (held_) {
    AddActions(*held_);
    command_.emplace(
        *held_, tensors_, *letters_.declared_tensors(),
        TrainerHooks{.snapshots = snapshots_,
                     .scale_learning_rate = [this](float factor) { factor_ = factor; }});
  }
  std::exchange(hashed_, nullptr)(command_ ? command_->hash() : 0);
}

bool RankProcess::Apply(int64_t step, const AgreeResult& agreed) {
  bool applied = false;
  if (command_) {
    AppliedCommand result =
        command_->ApplyIf(agreed.min == command_->hash() && agreed.max == command_->hash());
    applied = result.outcome.result == CommandOutcome::Result::kApplied;
    letters_.session().SetOutcome(std::move(result.outcome));
    command_.reset();
  }
  if (applied || letters_.session().WantsDigest(step + 1)) {
    letters_.session().SetParameterDigest(ParameterDigest(tensors_));
  }
  return applied;
}

void RankProcess::Train(int64_t step) {
  for (std::vector<float>* tensor : {&parameters_.weight, &parameters_.bias}) {
    for (float& value : *tensor) {
      value = value * 0.99f + factor_ * static_cast<float>(step % 7);
    }
  }
}

void RankProcess::Pause(absl::Duration at_most) {
  const absl::Time now = options_.queue.now();
  letters_.Pause({.reason = "evaluation", .until = now + at_most}, now);
  Carry();
}

void RankProcess::Checkpointed(int64_t step) {
  letters_.Checkpointed(step, options_.queue.now());
  Carry();
}

void RankProcess::Leave() {
  const bool says_so = letters_.Leave(/*completed=*/true);
  Carry();
  options_.queue.After(says_so ? options_.scenario.decision_timeout : absl::ZeroDuration(), [this] {
    if (!dead_) {
      letters_.Close();
      Carry();
    }
  });
}

void RankProcess::Die(bool with_its_machine) {
  dead_ = true;
  hashed_ = nullptr;
  if (stream_ != nullptr) {
    stream_->RankDies(with_its_machine);
    stream_.reset();
  }
}

void RankProcess::BreakStream() {
  if (stream_ != nullptr) {
    stream_->Break();
  }
}

}  // namespace lehr::simulation
