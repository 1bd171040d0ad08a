#include "client/wire.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/utf8.h"

namespace lehr {
namespace {

// Why the perturbation cannot be understood here; empty if it can.
std::string ToPerturbation(const v1::Perturbation& perturb, Perturbation& perturbation) {
  perturbation.id = perturb.id();
  perturbation.seed = perturb.seed();
  perturbation.stddev = perturb.stddev();
  perturbation.shrink = perturb.has_shrink() ? perturb.shrink() : 1;
  perturbation.tensor_selector = perturb.tensor_selector();
  perturbation.noise_spec = perturb.noise_spec();
  switch (perturb.scale()) {
    case v1::NOISE_SCALE_ABSOLUTE:
      perturbation.scale = NoiseScale::kAbsolute;
      break;
    case v1::NOISE_SCALE_RELATIVE:
      perturbation.scale = NoiseScale::kRelative;
      break;
    default:
      return absl::StrCat("unknown noise scale ", static_cast<int>(perturb.scale()));
  }
  switch (perturb.optimizer_state()) {
    case v1::OPTIMIZER_STATE_KEEP:
      perturbation.optimizer_state = OptimizerStateAction::kKeep;
      break;
    case v1::OPTIMIZER_STATE_RESET:
      perturbation.optimizer_state = OptimizerStateAction::kReset;
      break;
    default:
      return absl::StrCat("unknown optimizer_state ", static_cast<int>(perturb.optimizer_state()));
  }
  return "";
}

// Why the command cannot be followed; empty if it can.
std::string ToScaleLearningRate(const v1::LearningRate& message, ScaleLearningRate& action) {
  action.factor = message.factor();
  return action.factor > 0 && action.factor <= 1
             ? ""
             : absl::StrCat("the factor of the learning rate is ", action.factor,
                            "; it must be in (0, 1]");
}

// Why the action cannot be understood here; empty if it can.
std::string ToAction(const v1::Action& message, CommandAction& action) {
  switch (message.action_case()) {
    case v1::Action::kPerturb:
      return ToPerturbation(message.perturb(), action.emplace<Perturbation>());
    case v1::Action::kSnapshot:
      action = TakeSnapshot{.id = message.snapshot().id()};
      return "";
    case v1::Action::kRestore:
      action = RestoreSnapshot{.id = message.restore().id()};
      return "";
    case v1::Action::kIdentity:
      action = SetIdentity{};
      return "";
    case v1::Action::kLearningRate:
      return ToScaleLearningRate(message.learning_rate(), action.emplace<ScaleLearningRate>());
    case v1::Action::ACTION_NOT_SET:
      break;
  }
  return "an action that this client does not know";
}

v1::CommandOutcome::Result ToProto(CommandOutcome::Result result) {
  switch (result) {
    case CommandOutcome::Result::kApplied:
      return v1::CommandOutcome::RESULT_APPLIED;
    case CommandOutcome::Result::kSkipped:
      return v1::CommandOutcome::RESULT_SKIPPED;
    case CommandOutcome::Result::kExpired:
      return v1::CommandOutcome::RESULT_EXPIRED;
  }
  return v1::CommandOutcome::RESULT_UNSPECIFIED;
}

void FillOutcome(const CommandOutcome& outcome, v1::CommandOutcome& message) {
  constexpr size_t kMaxDetail = 256;
  message.set_step(outcome.step);
  message.set_result(ToProto(outcome.result));
  message.set_detail(CutToUtf8(outcome.detail, kMaxDetail));
  message.set_perturbed(outcome.perturbed);
  message.set_non_finite(outcome.non_finite);
  message.set_unchanged(outcome.unchanged);
}

// Element by element this would take ten times as long.
template <typename Field, typename Value>
void FillRepeated(const std::vector<Value>& values, size_t first, size_t count, Field& field) {
  field.Resize(static_cast<int>(count), 0);
  if (count > 0) {
    std::memcpy(field.mutable_data(), values.data() + first, count * sizeof(Value));
  }
}

}  // namespace

HeldDecision ToHeldDecision(const v1::Decision& decision) {
  HeldDecision held = {.generation = decision.generation(),
                       .step = decision.step(),
                       .apply_step = decision.apply_step(),
                       .epoch = decision.epoch(),
                       .durable_through = decision.durable_through(),
                       .record = decision.SerializeAsString()};
  for (const v1::Action& action : decision.actions()) {
    std::string unknown = ToAction(action, held.actions.emplace_back());
    if (!unknown.empty()) {
      held.unusable = std::move(unknown);
    }
  }
  return held;
}

WelcomeFacts ToWelcomeFacts(const v1::Welcome& welcome) {
  return {.generation = welcome.generation(),
          .epoch = welcome.epoch(),
          .lag = welcome.settings().lag(),
          .next_step = welcome.next_step(),
          .durable_through = welcome.durable_through(),
          .digest_every_steps = welcome.settings().digest_every_steps()};
}

void AddJoinFacts(const JoinFacts& facts, v1::Join& join) {
  join.set_generation(facts.generation);
  join.set_highest_epoch(facts.highest_epoch);
  if (facts.highest_step >= 0) {
    join.set_highest_step(facts.highest_step);
  }
  if (facts.resume_step > join.resume_step()) {
    // It trained on without a supervisor: no checkpoint is of this state.
    join.set_resume_generation(0);
  }
  join.set_resume_step(facts.resume_step);
  for (const std::string& record : facts.held) {
    join.add_held()->ParseFromString(record);
  }
}

size_t FillPiece(const RankReport& report, size_t first, v1::Report& piece) {
  const size_t count = std::min(kPieceLosses, report.losses.size() - first);
  const size_t end = first + count;
  piece.set_step(report.step);
  piece.set_more(end < report.losses.size());
  FillRepeated(report.losses, first, count, *piece.mutable_losses());
  FillRepeated(report.example_ids, first, report.example_ids.empty() ? 0 : count,
               *piece.mutable_example_ids());
  piece.clear_outcome();
  piece.clear_parameter_digest();
  piece.clear_snapshots();
  if (!piece.more()) {
    if (report.outcome) {
      FillOutcome(*report.outcome, *piece.mutable_outcome());
    }
    if (report.parameter_digest) {
      piece.set_parameter_digest(*report.parameter_digest);
    }
    piece.mutable_snapshots()->Add(report.snapshots.begin(), report.snapshots.end());
  }
  return end;
}

void SetDuration(absl::Duration duration, google::protobuf::Duration& message) {
  const int64_t seconds = absl::ToInt64Seconds(duration);
  message.set_seconds(seconds);
  message.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(duration - absl::Seconds(seconds))));
}

v1::SuperviseRequest ToRequest(const DeclaredPause& pause, absl::Time now) {
  constexpr size_t kMaxReason = 64;
  v1::SuperviseRequest request;
  request.mutable_pause()->set_reason(CutToUtf8(pause.reason, kMaxReason));
  SetDuration(pause.until - now, *request.mutable_pause()->mutable_at_most());
  return request;
}

v1::SuperviseRequest LeaveRequest(bool completed, const std::optional<CommandOutcome>& outcome) {
  v1::SuperviseRequest request;
  request.mutable_leave()->set_completed(completed);
  if (outcome) {
    FillOutcome(*outcome, *request.mutable_leave()->mutable_outcome());
  }
  return request;
}

}  // namespace lehr
