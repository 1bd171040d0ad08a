#include "server/wire.h"

#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/time_util.h"
#include "server/field_error.h"

namespace lehr {
namespace {

using google::protobuf::util::TimeUtil;

constexpr uint32_t kMaxLag = 64;
constexpr uint64_t kMaxDatasetExamples = uint64_t{1} << 40;
constexpr uint32_t kDefaultTableExamples = uint32_t{1} << 20;
constexpr absl::Duration kMinTimeout = absl::Milliseconds(1);
constexpr absl::Duration kMaxTimeout = absl::Hours(1);

// `unset` where the field is not set.
absl::StatusOr<absl::Duration> TimeoutFromProto(absl::string_view field, bool is_set,
                                                const google::protobuf::Duration& duration,
                                                absl::Duration unset) {
  if (!is_set) {
    return unset;
  }
  const absl::Duration timeout = DurationFromProto(duration);
  if (timeout < kMinTimeout || timeout > kMaxTimeout) {
    return OutOfBounds(field, absl::FormatDuration(timeout), "in [1ms, 1h]");
  }
  return timeout;
}

google::protobuf::Duration DurationToProto(absl::Duration duration) {
  return TimeUtil::NanosecondsToDuration(absl::ToInt64Nanoseconds(duration));
}

absl::Status ReadScope(const v1::RunSettings& proto, RunSettings& settings) {
  switch (proto.scope()) {
    case v1::LOSS_SCOPE_UNSPECIFIED:
    case v1::LOSS_SCOPE_BATCH:
      if (proto.dataset_examples() != 0) {
        return OutOfBounds("dataset_examples", proto.dataset_examples(),
                           "0 with scope LOSS_SCOPE_BATCH");
      }
      if (proto.table_examples() != 0) {
        return OutOfBounds("table_examples", proto.table_examples(),
                           "0 with scope LOSS_SCOPE_BATCH");
      }
      return absl::OkStatus();
    case v1::LOSS_SCOPE_DATASET:
      if (proto.dataset_examples() < 1 || proto.dataset_examples() > kMaxDatasetExamples) {
        return OutOfBounds("dataset_examples", proto.dataset_examples(),
                           "in [1, 2^40] with scope LOSS_SCOPE_DATASET");
      }
      if (proto.table_examples() > ExampleTable::kMostExamples) {
        return OutOfBounds("table_examples", proto.table_examples(), "in [0, 2^22]");
      }
      settings.scope = LossScope::kDataset;
      settings.dataset_examples = proto.dataset_examples();
      settings.table_examples =
          proto.table_examples() == 0 ? kDefaultTableExamples : proto.table_examples();
      return absl::OkStatus();
    default:
      return OutOfBounds("scope", static_cast<int>(proto.scope()),
                         "LOSS_SCOPE_BATCH or LOSS_SCOPE_DATASET");
  }
}

void AddExamples(const std::vector<ExampleLoss>& examples,
                 google::protobuf::RepeatedPtrField<v1::ExampleLoss>& proto) {
  for (const ExampleLoss& example : examples) {
    v1::ExampleLoss* entry = proto.Add();
    entry->set_example_id(example.example_id);
    entry->set_loss(example.loss);
  }
}

std::vector<ExampleLoss> ExamplesFromProto(
    const google::protobuf::RepeatedPtrField<v1::ExampleLoss>& proto) {
  std::vector<ExampleLoss> examples;
  for (const v1::ExampleLoss& entry : proto) {
    examples.push_back({.example_id = entry.example_id(), .loss = entry.loss()});
  }
  return examples;
}

v1::Observation ToProto(const Observation& observation) {
  const Temperature& measured = observation.temperature;
  v1::Observation proto;
  proto.set_count(measured.count);
  proto.set_temperature(measured.temperature);
  proto.set_magnitude(measured.magnitude);
  proto.set_imbalance(measured.imbalance);
  proto.set_unsquared_imbalance(measured.unsquared_imbalance);
  proto.set_entropy(measured.entropy);
  proto.set_root_mean_square(measured.root_mean_square);
  proto.set_mean(measured.mean);
  proto.set_max(observation.max);
  proto.set_nan_losses(observation.excluded.nan);
  proto.set_infinite_losses(observation.excluded.infinite);
  proto.set_negative_losses(observation.excluded.negative);
  AddExamples(observation.highest, *proto.mutable_highest());
  proto.set_coverage(observation.coverage);
  proto.set_dead_examples(observation.dead_examples);
  AddExamples(observation.dead, *proto.mutable_dead());
  proto.set_p10(observation.quantiles.p10);
  proto.set_p50(observation.quantiles.p50);
  proto.set_p90(observation.quantiles.p90);
  if (observation.tied_share) {
    proto.set_tied_share(*observation.tied_share);
  }
  return proto;
}

Observation ObservationFromProto(const v1::Observation& proto) {
  Observation observation;
  observation.temperature.count = proto.count();
  observation.temperature.temperature = proto.temperature();
  observation.temperature.magnitude = proto.magnitude();
  observation.temperature.imbalance = proto.imbalance();
  observation.temperature.unsquared_imbalance = proto.unsquared_imbalance();
  observation.temperature.entropy = proto.entropy();
  observation.temperature.root_mean_square = proto.root_mean_square();
  observation.temperature.mean = proto.mean();
  observation.max = proto.max();
  observation.excluded.nan = proto.nan_losses();
  observation.excluded.infinite = proto.infinite_losses();
  observation.excluded.negative = proto.negative_losses();
  observation.highest = ExamplesFromProto(proto.highest());
  observation.coverage = proto.coverage();
  observation.dead_examples = proto.dead_examples();
  observation.dead = ExamplesFromProto(proto.dead());
  observation.quantiles = {.p10 = proto.p10(), .p50 = proto.p50(), .p90 = proto.p90()};
  if (proto.has_tied_share()) {
    observation.tied_share = proto.tied_share();
  }
  return observation;
}

v1::Action ToProto(const PerturbAction& action) {
  v1::Action proto;
  v1::Perturbation* perturb = proto.mutable_perturb();
  perturb->set_id(action.id);
  perturb->set_seed(action.seed);
  perturb->set_stddev(action.stddev);
  perturb->set_scale(action.scale == ActionScale::kRelative ? v1::NOISE_SCALE_RELATIVE
                                                            : v1::NOISE_SCALE_ABSOLUTE);
  perturb->set_shrink(action.shrink);
  perturb->set_optimizer_state(action.optimizer_state == ActionOptimizerState::kReset
                                   ? v1::OPTIMIZER_STATE_RESET
                                   : v1::OPTIMIZER_STATE_KEEP);
  perturb->set_tensor_selector(action.tensor_selector);
  perturb->set_noise_spec(std::string(kCommandedNoiseSpec));
  return proto;
}

v1::Action ToProto(const SnapshotAction& action) {
  v1::Action proto;
  proto.mutable_snapshot()->set_id(action.id);
  return proto;
}

v1::Action ToProto(const RestoreAction& action) {
  v1::Action proto;
  proto.mutable_restore()->set_id(action.id);
  return proto;
}

v1::Action ToProto(const IdentityAction&) {
  v1::Action proto;
  proto.mutable_identity();
  return proto;
}

v1::Action ToProto(const LearningRateAction& action) {
  v1::Action proto;
  proto.mutable_learning_rate()->set_factor(action.factor);
  return proto;
}

v1::Action ToProto(const Action& action) {
  return std::visit([](const auto& kind) { return ToProto(kind); }, action);
}

absl::StatusOr<PerturbAction> PerturbFromProto(const v1::Perturbation& perturb) {
  if (perturb.noise_spec() != kCommandedNoiseSpec) {
    return OutOfBounds("noise_spec", Quoted(perturb.noise_spec()), Quoted(kCommandedNoiseSpec));
  }
  PerturbAction action;
  action.id = perturb.id();
  action.seed = perturb.seed();
  action.stddev = perturb.stddev();
  action.scale =
      perturb.scale() == v1::NOISE_SCALE_RELATIVE ? ActionScale::kRelative : ActionScale::kAbsolute;
  action.shrink = perturb.has_shrink() ? perturb.shrink() : 1;
  action.optimizer_state = perturb.optimizer_state() == v1::OPTIMIZER_STATE_RESET
                               ? ActionOptimizerState::kReset
                               : ActionOptimizerState::kKeep;
  action.tensor_selector = perturb.tensor_selector();
  return action;
}

absl::StatusOr<LearningRateAction> LearningRateFromProto(const v1::LearningRate& proto) {
  if (!(proto.factor() > 0 && proto.factor() <= 1)) {
    return OutOfBounds("the factor of the learning rate", proto.factor(), "in (0, 1]");
  }
  return LearningRateAction{.factor = proto.factor()};
}

absl::StatusOr<Action> ActionFromProto(const v1::Action& proto) {
  switch (proto.action_case()) {
    case v1::Action::kPerturb:
      return PerturbFromProto(proto.perturb());
    case v1::Action::kSnapshot:
      return SnapshotAction{.id = proto.snapshot().id()};
    case v1::Action::kRestore:
      return RestoreAction{.id = proto.restore().id()};
    case v1::Action::kIdentity:
      return IdentityAction{};
    case v1::Action::kLearningRate:
      return LearningRateFromProto(proto.learning_rate());
    case v1::Action::ACTION_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("an action is not one that this supervisor knows");
}

}  // namespace

absl::Duration DurationFromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  const int64_t ns = absl::ToUnixNanos(time);
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(ns / 1'000'000'000);
  timestamp.set_nanos(static_cast<int32_t>(ns % 1'000'000'000));
  return timestamp;
}

absl::StatusOr<Policy> PolicyFromProto(const v1::Policy& proto) {
  Policy policy;
  policy.observe = proto.observe();
  switch (proto.rule_case()) {
    case v1::Policy::kErrorDriven: {
      ErrorDrivenPolicy rule;
      if (proto.error_driven().has_base_noise_level()) {
        rule.base_noise_level = proto.error_driven().base_noise_level();
      }
      rule.min_imbalance = proto.error_driven().min_imbalance();
      policy.rule = rule;
      break;
    }
    case v1::Policy::kReheat:
      policy.rule = ReheatPolicy{.planned_steps = proto.reheat().planned_steps()};
      break;
    case v1::Policy::RULE_NOT_SET:
      return absl::InvalidArgumentError("the policy names no rule that this supervisor knows");
  }
  if (absl::Status status = CheckPolicy(policy); !status.ok()) {
    return status;
  }
  return policy;
}

absl::StatusOr<Guards> GuardsFromProto(const v1::Guards& proto) {
  Guards guards;
  if (proto.has_max_stddev()) {
    guards.max_stddev = proto.max_stddev();
  }
  guards.cooldown_steps = proto.cooldown_steps();
  guards.budget = proto.budget();
  guards.budget_window_steps = proto.budget_window_steps();
  guards.breaker_factor = proto.breaker_factor();
  guards.breaker_window_steps = proto.breaker_window_steps();
  if (absl::Status status = CheckGuards(guards); !status.ok()) {
    return status;
  }
  return guards;
}

absl::StatusOr<RunSettings> SettingsFromProto(const v1::RunSettings& proto, uint32_t world_size) {
  RunSettings settings;
  if (proto.has_policy()) {
    absl::StatusOr<Policy> policy = PolicyFromProto(proto.policy());
    if (!policy.ok()) {
      return policy.status();
    }
    settings.policy = *policy;
  }
  absl::StatusOr<Guards> guards = GuardsFromProto(proto.guards());
  if (!guards.ok()) {
    return guards.status();
  }
  settings.guards = *guards;
  settings.run_seed = proto.run_seed();
  if (absl::Status status = ReadScope(proto, settings); !status.ok()) {
    return status;
  }
  if (proto.lag() > kMaxLag) {
    return OutOfBounds("lag", proto.lag(), absl::StrCat("in [0, ", kMaxLag, "]"));
  }
  settings.lag = proto.lag();
  if (!std::isfinite(proto.loss_offset())) {
    return OutOfBounds("loss_offset", proto.loss_offset(), "finite");
  }
  settings.loss_offset = proto.loss_offset();
  absl::StatusOr<absl::Duration> straggler =
      TimeoutFromProto("straggler_timeout", proto.has_straggler_timeout(),
                       proto.straggler_timeout(), settings.straggler_timeout);
  if (!straggler.ok()) {
    return straggler.status();
  }
  settings.straggler_timeout = *straggler;
  absl::StatusOr<absl::Duration> join = TimeoutFromProto(
      "join_timeout", proto.has_join_timeout(), proto.join_timeout(), settings.join_timeout);
  if (!join.ok()) {
    return join.status();
  }
  settings.join_timeout = *join;
  if (proto.quorum() > world_size) {
    return OutOfBounds("quorum", proto.quorum(),
                       absl::StrCat("at most the world size ", world_size));
  }
  settings.quorum = proto.quorum();
  settings.digest_every_steps = proto.digest_every_steps();
  return settings;
}

absl::StatusOr<StepDecision> DecisionFromProto(const v1::Decision& proto) {
  if (proto.step() < 0 || proto.step() >= kMaxStep) {
    return OutOfBounds("a decision's step", proto.step(), "in [0, 2^62)");
  }
  StepDecision decision;
  decision.generation = proto.generation();
  decision.step = proto.step();
  decision.apply_step = proto.apply_step();
  decision.observation = ObservationFromProto(proto.observation());
  decision.reason = {static_cast<ReasonCode>(proto.reason().code()), proto.reason().value(),
                     proto.reason().limit()};
  for (const v1::Action& action : proto.actions()) {
    absl::StatusOr<Action> parsed = ActionFromProto(action);
    if (!parsed.ok()) {
      return parsed.status();
    }
    decision.actions.push_back(*std::move(parsed));
  }
  for (const v1::Action& action : proto.withheld()) {
    absl::StatusOr<Action> parsed = ActionFromProto(action);
    if (!parsed.ok()) {
      return parsed.status();
    }
    decision.withheld.push_back(*std::move(parsed));
  }
  decision.reports = proto.reports();
  decision.closed = absl::FromUnixNanos(proto.closed_unix_ns());
  decision.policy = proto.policy();
  return decision;
}

v1::Policy ToProto(const Policy& policy) {
  v1::Policy proto;
  proto.set_observe(policy.observe);
  if (const auto* reheat = std::get_if<ReheatPolicy>(&policy.rule)) {
    proto.mutable_reheat()->set_planned_steps(reheat->planned_steps);
    return proto;
  }
  const auto& rule = std::get<ErrorDrivenPolicy>(policy.rule);
  proto.mutable_error_driven()->set_base_noise_level(rule.base_noise_level);
  proto.mutable_error_driven()->set_min_imbalance(rule.min_imbalance);
  return proto;
}

v1::Guards ToProto(const Guards& guards) {
  v1::Guards proto;
  if (guards.max_stddev) {
    proto.set_max_stddev(*guards.max_stddev);
  }
  proto.set_cooldown_steps(guards.cooldown_steps);
  proto.set_budget(guards.budget);
  proto.set_budget_window_steps(guards.budget_window_steps);
  proto.set_breaker_factor(guards.breaker_factor);
  proto.set_breaker_window_steps(guards.breaker_window_steps);
  return proto;
}

v1::RunSettings ToProto(const RunSettings& settings) {
  v1::RunSettings proto;
  *proto.mutable_policy() = ToProto(settings.policy);
  *proto.mutable_guards() = ToProto(settings.guards);
  proto.set_run_seed(settings.run_seed);
  proto.set_scope(settings.scope == LossScope::kDataset ? v1::LOSS_SCOPE_DATASET
                                                        : v1::LOSS_SCOPE_BATCH);
  proto.set_dataset_examples(settings.dataset_examples);
  proto.set_table_examples(settings.table_examples);
  proto.set_lag(settings.lag);
  proto.set_loss_offset(settings.loss_offset);
  *proto.mutable_straggler_timeout() = DurationToProto(settings.straggler_timeout);
  *proto.mutable_join_timeout() = DurationToProto(settings.join_timeout);
  proto.set_quorum(settings.quorum);
  proto.set_digest_every_steps(settings.digest_every_steps);
  return proto;
}

v1::Decision ToProto(const StepDecision& decision) {
  v1::Decision proto;
  proto.set_generation(decision.generation);
  proto.set_step(decision.step);
  proto.set_apply_step(decision.apply_step);
  *proto.mutable_observation() = ToProto(decision.observation);
  proto.mutable_reason()->set_code(static_cast<v1::Reason::Code>(decision.reason.code));
  proto.mutable_reason()->set_value(decision.reason.value);
  proto.mutable_reason()->set_limit(decision.reason.limit);
  for (const Action& action : decision.actions) {
    *proto.add_actions() = ToProto(action);
  }
  for (const Action& action : decision.withheld) {
    *proto.add_withheld() = ToProto(action);
  }
  proto.set_reports(decision.reports);
  proto.set_closed_unix_ns(absl::ToUnixNanos(decision.closed));
  proto.set_policy(decision.policy);
  return proto;
}

}  // namespace lehr
