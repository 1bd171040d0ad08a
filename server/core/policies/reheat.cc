#include "server/core/policies/reheat.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/types/span.h"
#include "server/core/policies/reheat_stall.h"

namespace lehr {
namespace {

// Improvement of the incumbent that counts.
constexpr double kClearImprovement = 0.98;
// A snapshot costs every rank a copy, and the supervisor a durable entry: while the loss falls, one
// in so many steps, which is what a rewind may lose. The next when it pauses, so that no stall
// loses the best.
constexpr uint32_t kStepsBetweenSnapshots = 20;
constexpr uint32_t kPause = 2;
// As good as the attempt's best, which may have come between two looks.
constexpr double kAsGoodAsBest = 1.02;
// Served: this share of the first loss is left, or so few examples carry it that they are outliers.
constexpr double kConverged = 0.02;
constexpr double kFewExamples = 0.10;
// The last phase, as a share of the planned steps, and the learning rate there: a net that was
// freed at a large one jumps about.
constexpr double kLastPhase = 0.1;
constexpr float kCool = 0.1F;
constexpr double kClearlyWorse = 1.02;
// A run that was never perturbed may jump about: it must be far above its best for so many
// observations in a row.
constexpr uint32_t kFarAboveInARow = 10;

// theta <- shrink * theta + stddev * (reference stddev of the tensor) * z, or the identity.
struct Rung {
  float shrink;
  float stddev;
  bool identity = false;
};
constexpr Rung kRewind = {1, 0};
constexpr Rung kNudge = {0.9F, 0.5F};
constexpr Rung kShake = {0.4F, 2};
constexpr Rung kStartAnew = {0, 1};
constexpr Rung kStartSmaller = {0, 0.7F};
constexpr Rung kStartLarger = {0, 2.5F};
constexpr Rung kStartShallow = {0, 1, /*identity=*/true};
constexpr Rung kStartShallowLarger = {0, 2.5F, /*identity=*/true};
constexpr std::array kLadder = {kRewind, kNudge, kShake};
// Where nothing was learned that is worth a rewind.
constexpr std::array kLadderOfNothing = {kShake, kStartAnew};
// The same two where layers keep their width.
constexpr std::array kDeepLadder = {kStartShallow, kStartShallow, kNudge};
constexpr std::array kDeepLadderOfNothing = {kStartShallow, kStartShallow, kShake};
// Without noise, it is the initial values that decide where a net goes: they vary more.
constexpr std::array kDeepLadderWithoutNoise = {kStartShallow, kStartShallowLarger, kNudge};
// A handful of examples: the same state would stall in the same way. PyTorch's initial values are
// small (He's are 2.4 times as large). Where a third of the examples carry the loss, the last of
// four say, such nets mostly learn: values that are smaller still get there sooner.
constexpr std::array kLadderOfHandful = {kStartLarger, kStartLarger, kStartAnew};
constexpr std::array kLadderOfFewInHandful = {kStartSmaller};
constexpr double kFewInHandful = 0.35;
// Values that are drawn anew begin without biases, as initial values mostly do.
constexpr char kBiases[] = "*bias";

bool Holds(const PolicyContext& context, uint64_t snapshot) {
  return snapshot != 0 && std::find(context.snapshots.begin(), context.snapshots.end(), snapshot) !=
                              context.snapshots.end();
}

void BeginPass(ReheatState& state) {
  state.pass_losses = 0;
  state.pass_steps = 0;
  state.pass_tied = 0;
  state.pass_tied_steps = 0;
}

void BeginAttempt(ReheatState& state) {
  const ReheatState fresh;
  BeginPass(state);
  state.age = 0;
  state.best = fresh.best;
  state.mark = fresh.mark;
  state.since_mark = 0;
  state.far_above = 0;
  state.bound = 0;
  state.tied.reset();
  state.window = fresh.window;
  state.kept = fresh.kept;
}

void Commit(ReheatState& state) {
  switch (state.pending->kind) {
    case PendingCommand::Kind::kSnapshot:
      state.kept = state.pending->kept;
      break;
    case PendingCommand::Kind::kReheat:
      state.rung = state.pending->rung;
      ++state.stalls;
      BeginAttempt(state);
      break;
    case PendingCommand::Kind::kReturn:
      BeginAttempt(state);
      break;
    case PendingCommand::Kind::kCool:
      break;
  }
  state.learning_rate = state.pending->learning_rate;
  state.pending.reset();
}

// What the ranks lost (a new generation has no snapshots) is not kept.
void ForgetLost(ReheatState& state, const PolicyContext& context) {
  if (!Holds(context, state.kept.snapshot)) {
    state.kept = {};
  }
  if (!Holds(context, state.incumbent.snapshot)) {
    state.incumbent.snapshot = 0;
  }
}

// The attempt's best becomes the incumbent if it is better.
void Accept(ReheatState& state) {
  const KeptState challenger =
      state.kept.snapshot != 0 ? state.kept : KeptState{.mean_loss = state.best};
  state.kept = {};
  // A better state that nobody kept is no match for one that is there to go back to.
  if (challenger.mean_loss >= state.incumbent.mean_loss ||
      (challenger.snapshot == 0 && state.incumbent.snapshot != 0)) {
    return;
  }
  if (challenger.mean_loss < kClearImprovement * state.incumbent.mean_loss) {
    state.rung = 0;
  }
  state.incumbent = challenger;
}

// So many of the examples would carry the loss if it were shared equally among them: 1 if all do.
double ShareThatCarries(const Temperature& measured) {
  const double ratio = measured.mean / measured.root_mean_square;
  return ratio * ratio;
}

// Why there is nothing to reheat for, however the loss moves, if so.
std::optional<Reason> Served(const ReheatState& state, const Temperature& measured) {
  if (measured.mean <= kConverged * *state.first_mean) {
    return Reason{ReasonCode::kConverged, measured.mean, kConverged * *state.first_mean};
  }
  if (const double share = ShareThatCarries(measured); share < kFewExamples) {
    return Reason{ReasonCode::kFewExamples, share, kFewExamples};
  }
  return std::nullopt;
}

absl::Span<const Rung> LadderFor(const ReheatState& state, const Temperature& measured,
                                 const PolicyContext& context, const Pass& pass) {
  if (IsHandful(pass)) {
    return ShareThatCarries(measured) < kFewInHandful ? absl::MakeConstSpan(kLadderOfFewInHandful)
                                                      : kLadderOfHandful;
  }
  const bool deep = context.can_set_identity;
  if (deep && IsNoiseless(pass)) {
    return kDeepLadderWithoutNoise;
  }
  if (HasLearnedNothing(state, state.incumbent.mean_loss)) {
    return deep ? absl::MakeConstSpan(kDeepLadderOfNothing) : kLadderOfNothing;
  }
  return deep ? absl::MakeConstSpan(kDeepLadder) : kLadder;
}

void AddRung(const Rung& rung, std::vector<Action>& actions) {
  PerturbAction perturb;
  perturb.stddev = rung.stddev;
  perturb.shrink = rung.shrink;
  perturb.scale = ActionScale::kRelative;
  perturb.optimizer_state = ActionOptimizerState::kReset;
  actions.emplace_back(perturb);
  if (rung.shrink == 0) {
    perturb.stddev = 0;
    perturb.tensor_selector = kBiases;
    actions.emplace_back(perturb);
  }
  if (rung.identity) {
    actions.emplace_back(IdentityAction());
  }
}

Proposal Reheat(ReheatState& state, const Temperature& measured, const Reason& reason,
                const PolicyContext& context, const Pass& pass) {
  Accept(state);
  PendingCommand command = {.kind = PendingCommand::Kind::kReheat,
                            .step = context.step,
                            .apply_step = context.apply_step,
                            .rung = state.rung,
                            .learning_rate = state.learning_rate};
  const bool can_restore = Holds(context, state.incumbent.snapshot);
  const absl::Span<const Rung> ladder = LadderFor(state, measured, context, pass);
  Rung rung = ladder[command.rung++ % ladder.size()];
  while (rung.stddev == 0 && !can_restore) {
    rung = ladder[command.rung++ % ladder.size()];
  }
  Proposal proposal = {.reason = reason};
  if (can_restore) {
    proposal.actions.emplace_back(RestoreAction{.id = state.incumbent.snapshot});
  }
  AddRung(rung, proposal.actions);
  state.pending = command;
  return proposal;
}

// Whether this observation of the attempt is one at which a snapshot may be taken.
bool LooksForSnapshot(const ReheatState& state, const Pass& pass) {
  const uint32_t observations = std::max(1U, kStepsBetweenSnapshots / pass.steps);
  return state.since_mark >= kPause || (state.age - 1) % observations == 0;
}

// Keeps the state at hand if it is as good as any, and clearly better than what is kept.
Proposal KeepBest(ReheatState& state, double mean, const Reason& otherwise,
                  const PolicyContext& context, const Pass& pass) {
  const bool is_best = mean <= kAsGoodAsBest * state.best && mean < state.incumbent.mean_loss &&
                       mean <= kClearImprovement * state.kept.mean_loss;
  if (!is_best || context.snapshot_capacity < 2 || !LooksForSnapshot(state, pass)) {
    return {.reason = otherwise};
  }
  const uint64_t id = state.incumbent.snapshot == 1 ? 2 : 1;
  Proposal proposal = {.actions = {SnapshotAction{.id = id}},
                       .reason = {ReasonCode::kKeepsBest, mean, state.kept.mean_loss}};
  if (!std::isfinite(state.kept.mean_loss)) {
    proposal.reason.limit = 0;
  }
  state.pending = {.kind = PendingCommand::Kind::kSnapshot,
                   .step = context.step,
                   .apply_step = context.apply_step,
                   .kept = {id, mean},
                   .learning_rate = state.learning_rate};
  return proposal;
}

// Back to the incumbent where the state at hand is clearly worse.
std::optional<Proposal> Return(ReheatState& state, double mean, const PolicyContext& context) {
  Accept(state);
  if (state.stalls == 0 && state.far_above < kFarAboveInARow) {
    return std::nullopt;
  }
  if (mean <= kClearlyWorse * state.incumbent.mean_loss || mean <= kConverged * *state.first_mean ||
      !Holds(context, state.incumbent.snapshot)) {
    return std::nullopt;
  }
  state.pending = {.kind = PendingCommand::Kind::kReturn,
                   .step = context.step,
                   .apply_step = context.apply_step,
                   .learning_rate = state.learning_rate};
  return Proposal{.actions = {RestoreAction{.id = state.incumbent.snapshot}},
                  .reason = {ReasonCode::kReturnsToBest, mean, state.incumbent.mean_loss}};
}

// Whether the ranks have yet to be told to cool. A run that never stalled keeps its learning rate.
bool MustCool(const ReheatState& state, const PolicyContext& context) {
  return state.stalls > 0 && context.can_scale_learning_rate && state.learning_rate != kCool;
}

// Adds it to what is proposed, or to nothing.
Proposal Cool(ReheatState& state, std::optional<Proposal> back, const Reason& otherwise,
              const PolicyContext& context) {
  if (!back) {
    state.pending = {.kind = PendingCommand::Kind::kCool,
                     .step = context.step,
                     .apply_step = context.apply_step};
    back = {.reason = {ReasonCode::kCools, otherwise.value, otherwise.limit}};
  }
  state.pending->learning_rate = kCool;
  back->actions.emplace_back(LearningRateAction{.factor = kCool});
  return *std::move(back);
}

// The planned end is near.
Proposal DecideInLastPhase(const ReheatPolicy& policy, ReheatState& state, double mean,
                           const PolicyContext& context, const Pass& pass) {
  const Reason last_phase = {ReasonCode::kLastPhase,
                             static_cast<double>(policy.planned_steps - context.apply_step),
                             std::floor(kLastPhase * static_cast<double>(policy.planned_steps))};
  std::optional<Proposal> back;
  if (!state.in_last_phase) {
    state.in_last_phase = true;
    back = Return(state, mean, context);
  }
  if (MustCool(state, context)) {
    return Cool(state, std::move(back), last_phase, context);
  }
  return back ? *std::move(back) : KeepBest(state, mean, last_phase, context, pass);
}

Proposal Decide(const ReheatPolicy& policy, ReheatState& state, const Temperature& measured,
                const std::optional<double>& tied, const PolicyContext& context, const Pass& pass) {
  ObserveAttempt(state, measured.mean, tied, pass);
  const auto planned = static_cast<double>(policy.planned_steps);
  if (policy.planned_steps > 0 &&
      static_cast<double>(context.apply_step) >= (1 - kLastPhase) * planned) {
    return DecideInLastPhase(policy, state, measured.mean, context, pass);
  }
  if (const std::optional<Reason> served = Served(state, measured)) {
    return KeepBest(state, measured.mean, *served, context, pass);
  }
  if (const std::optional<Reason> stall = FindStall(state, measured.mean, pass)) {
    return Reheat(state, measured, *stall, context, pass);
  }
  return KeepBest(state, measured.mean, WhyNoStall(state, measured.mean, pass), context, pass);
}

// What is left of a command: whether it kept, perturbed, cooled, or went back.
PendingCommand PendingOf(ReheatState& state, const StepDecision& decision) {
  PendingCommand pending = {.step = decision.step,
                            .apply_step = decision.apply_step,
                            .learning_rate = state.learning_rate};
  bool perturbs = false;
  bool restores = false;
  for (const Action& action : decision.actions) {
    if (const auto* snapshot = std::get_if<SnapshotAction>(&action)) {
      pending.kept = {snapshot->id, decision.observation.temperature.mean};
    } else if (const auto* rate = std::get_if<LearningRateAction>(&action)) {
      pending.learning_rate = rate->factor;
    } else if (std::holds_alternative<RestoreAction>(action)) {
      restores = true;
    } else {
      perturbs = true;
    }
  }
  if (perturbs || restores) {
    Accept(state);
  }
  if (perturbs) {
    pending.kind = PendingCommand::Kind::kReheat;
    pending.rung = state.rung + 1;
  } else if (restores) {
    pending.kind = PendingCommand::Kind::kReturn;
  } else {
    pending.kind =
        pending.kept.snapshot != 0 ? PendingCommand::Kind::kSnapshot : PendingCommand::Kind::kCool;
  }
  return pending;
}

}  // namespace

Proposal Propose(const ReheatPolicy& policy, ReheatState& state, const Observation& observation,
                 const PolicyContext& context) {
  if (state.pending && context.step >= state.pending->apply_step) {
    Commit(state);
  }
  if (state.pending) {
    return {.reason = {ReasonCode::kUnderWay, static_cast<double>(state.pending->step),
                       static_cast<double>(state.pending->apply_step)}};
  }
  const Temperature& measured = observation.temperature;
  if (measured.count == 0) {
    const ExcludedLosses& excluded = observation.excluded;
    return {.reason = {ReasonCode::kNoLosses,
                       static_cast<double>(excluded.nan + excluded.infinite + excluded.negative)}};
  }
  ForgetLost(state, context);
  state.pass_losses += context.losses;
  ++state.pass_steps;
  if (observation.tied_share) {
    state.pass_tied += *observation.tied_share;
    ++state.pass_tied_steps;
  }
  if (policy.planned_steps > 0 && context.apply_step == policy.planned_steps - 1) {
    if (std::optional<Proposal> back = Return(state, measured.mean, context)) {
      return *std::move(back);
    }
  }
  if (state.pass_losses < context.dataset_examples) {
    return {.reason = {ReasonCode::kPassUnderWay, static_cast<double>(state.pass_losses),
                       static_cast<double>(context.dataset_examples)}};
  }
  const Pass pass = {.steps = state.pass_steps, .losses = state.pass_losses};
  std::optional<double> tied;
  if (state.pass_tied_steps > 0) {
    tied = state.pass_tied / state.pass_tied_steps;
  }
  BeginPass(state);
  if (!state.first_mean) {
    state.first_mean = measured.mean;
  }
  return Decide(policy, state, measured, tied, context, pass);
}

void BeginGeneration(ReheatState& state) {
  state.learning_rate = 1;
  if (state.pending) {
    state.pending->learning_rate = 1;
  }
}

void ForgetCommand(ReheatState& state, int64_t step) {
  if (state.pending && state.pending->step == step) {
    state.pending.reset();
  }
}

void Replay(ReheatState& state, const StepDecision& decision) {
  if (state.pending && decision.step >= state.pending->apply_step) {
    Commit(state);
  }
  if (decision.actions.empty()) {
    return;
  }
  state.pending = PendingOf(state, decision);
}

}  // namespace lehr
