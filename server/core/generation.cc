#include "server/core/generation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/core/perturbation_seed.h"

namespace lehr {
namespace {

std::optional<ExampleTable> TableFor(const RunSettings& settings) {
  return settings.scope == LossScope::kDataset
             ? std::optional<ExampleTable>(settings.table_examples)
             : std::nullopt;
}

}  // namespace

ReportingRank TakeOwn(uint32_t rank, StepReport& report) {
  return {.rank = rank,
          .digest = report.digest,
          .parameter_digest = report.parameter_digest,
          .snapshots = std::exchange(report.snapshots, {})};
}

Generation::Generation(const GenerationSpec& spec) : Generation(spec, RunMemory()) {}

Generation::Generation(const GenerationSpec& spec, RunMemory memory)
    : spec_(spec),
      members_(spec.world_size, spec.resume_step - 1),
      memory_(std::move(memory)),
      table_(TableFor(spec.settings)),
      decided_through_(spec.resume_step - 1),
      unknown_through_(spec.resume_step - 1),
      recovered_through_(spec.resume_step - 1) {}

Generation::Generation(const GenerationSpec& spec, GenerationState state, bool clean_stop,
                       absl::Time now)
    : spec_(spec),
      members_(spec.world_size, state.decided_through),
      memory_(std::move(state.memory)),
      table_(TableFor(spec.settings)),
      decided_through_(state.decided_through),
      gate_deadline_(now + spec.settings.join_timeout),
      unclean_(!clean_stop),
      unknown_through_(state.decided_through),
      recovered_through_(state.decided_through) {}

absl::Status Generation::CanConnect(uint32_t rank, const Hello& hello) const {
  if (rank >= spec_.world_size) {
    return absl::InvalidArgumentError(
        absl::StrCat("rank is ", rank, "; it must be below the world size ", spec_.world_size));
  }
  const Membership::Rank& current = members_.rank(rank);
  if (current.connected && current.process != hello.process) {
    return absl::AlreadyExistsError(absl::StrCat("rank ", rank, " is held by the live process ",
                                                 current.process, ", not ", hello.process));
  }
  return absl::OkStatus();
}

Effects Generation::Connect(uint32_t rank, const Hello& hello, absl::Time now) {
  members_.Connect(rank, hello.process, hello.can_agree, hello.knows_noise);
  members_.CanHoldSnapshots(rank, hello.snapshot_capacity);
  members_.CanScaleLearningRate(rank, hello.scales_learning_rate);
  if (unclean_ && gate_closed_ && hello.highest_step >= 0) {
    unknown_through_ = std::max(unknown_through_, hello.highest_step + spec_.settings.lag);
  }
  if (gate_closed_ && members_.joined() == spec_.world_size) {
    OpenGate(now);
  }
  return CloseDue(now);
}

std::optional<std::vector<uint32_t>> Generation::Restore(const StepDecision& held) {
  if (held.generation != spec_.number || !MayComeBack(held.step)) {
    return std::nullopt;
  }
  restored_.insert(held.step);
  // What one rank brings may be older than what another one has brought. The guards need not count
  // it then: what they count was on the disk before any rank had it.
  if (held.step > decided_through_) {
    decided_through_ = held.step;
    unknown_through_ = std::max(unknown_through_, held.step + spec_.settings.lag);
    memory_.guards = Replay(spec_.settings.guards, std::move(memory_.guards), held);
    Replay(spec_.settings.policy, memory_.policy, held);
  }
  Remember(std::make_shared<StepDecision>(held));
  // Ranks that came back earlier have reported it again, and must not get another decision.
  auto open = open_.extract(held.step);
  return open.empty() ? std::vector<uint32_t>() : std::move(open.mapped().reporters);
}

void Generation::Disconnect(uint32_t rank) { members_.Disconnect(rank); }

Effects Generation::Leave(uint32_t rank, absl::Time now) {
  members_.Leave(rank);
  return CloseDue(now);
}

void Generation::Pause(uint32_t rank, absl::Time until) { members_.Pause(rank, until); }

ReportResult Generation::Report(uint32_t rank, StepReport report, absl::Time now) {
  const ReportingRank reporting = TakeOwn(rank, report);
  return ReportTogether({&reporting, 1}, std::move(report), now);
}

ReportResult Generation::ReportTogether(absl::Span<const ReportingRank> ranks, StepReport sum,
                                        absl::Time now) {
  const int64_t step = sum.step;
  if (step < spec_.resume_step || step >= kMaxStep) {
    return ReportRefused{RefusalCode::kInvalid,
                         absl::StrCat("step is ", step, "; this generation takes steps in [",
                                      spec_.resume_step, ", 2^62)")};
  }
  for (const ReportingRank& reporting : ranks) {
    members_.HoldSnapshots(reporting.rank, reporting.snapshots);
  }
  const auto conflict = std::find_if(ranks.begin(), ranks.end(),
                                     [&](const ReportingRank& r) { return Conflicts(r, step); });
  const bool conflicts = conflict != ranks.end();
  if (step <= decided_through_ && !MayComeBack(step)) {
    return AnswerLate(ranks, step, conflicts);
  }
  const size_t counted = CountedAlready(ranks, step);
  if (counted == ranks.size()) {
    if (conflicts) {
      return ReportRefused{RefusalCode::kConflict,
                           absl::StrCat("step ", step, " of rank ", conflict->rank,
                                        " was reported before with other losses; the first count")};
    }
    return ReportTaken{};
  }
  if (counted > 0) {
    return ReportRefused{RefusalCode::kInvalid,
                         absl::StrCat("step ", step, " comes in one sum for ", ranks.size(),
                                      " ranks, of which ", counted, " have reported it before")};
  }
  for (const ReportingRank& reporting : ranks) {
    if (const int64_t before = members_.rank(reporting.rank).highest_step; step < before) {
      return ReportRefused{RefusalCode::kInvalid,
                           absl::StrCat("step is ", step, " after step ", before,
                                        "; the steps of a rank must grow")};
    }
  }
  if (!open_.empty() && step > open_.begin()->first + kMaxOpenSteps) {
    return ReportRefused{RefusalCode::kOutsideWindow,
                         absl::StrCat("step is ", step, ", more than ", kMaxOpenSteps,
                                      " beyond the oldest open step ", open_.begin()->first)};
  }
  if (std::optional<ReportRefused> refused = TooManyExamples(sum)) {
    return *std::move(refused);
  }
  OpenStep& target = OpenStepAt(step, now);
  target.tied.Merge(sum.tied);
  target.losses.Merge(sum.losses);
  target.top.Merge(sum.top);
  target.examples.insert(target.examples.end(), sum.examples.begin(), sum.examples.end());
  target.last_report = now;
  for (const ReportingRank& reporting : ranks) {
    target.reporters.push_back(reporting.rank);
    members_.Report(reporting.rank, step, reporting.digest);
  }
  return ReportTaken{CloseDue(now)};
}

ReportAnswered Generation::AnswerLate(absl::Span<const ReportingRank> ranks, int64_t step,
                                      bool conflicts) {
  ReportAnswered answered = {.decision = Recent(step), .conflict = conflicts};
  for (const ReportingRank& reporting : ranks) {
    const Membership::Rank& before = members_.rank(reporting.rank);
    answered.late |= step > before.highest_step;
    members_.Report(reporting.rank, step,
                    Conflicts(reporting, step) ? before.newest_digest : reporting.digest);
  }
  return answered;
}

// The rank has reported this step before with other losses.
bool Generation::Conflicts(const ReportingRank& reporting, int64_t step) const {
  const Membership::Rank& before = members_.rank(reporting.rank);
  return step == before.highest_step && before.newest_digest != 0 &&
         reporting.digest != before.newest_digest;
}

// How many of the ranks an open step counts already.
size_t Generation::CountedAlready(absl::Span<const ReportingRank> ranks, int64_t step) const {
  const auto open = open_.find(step);
  if (open == open_.end()) {
    return 0;
  }
  const std::vector<uint32_t>& reporters = open->second.reporters;
  return std::count_if(reporters.begin(), reporters.end(), [&](uint32_t reporter) {
    const auto at = std::lower_bound(
        ranks.begin(), ranks.end(), reporter,
        [](const ReportingRank& reporting, uint32_t rank) { return reporting.rank < rank; });
    return at != ranks.end() && at->rank == reporter;
  });
}

void Generation::CommandSkipped(int64_t step) {
  memory_.guards = ForgetSkipped(std::move(memory_.guards), step);
  ForgetCommand(memory_.policy, step);
}

std::vector<Generation::OpenReports> Generation::Abandon() {
  std::vector<OpenReports> abandoned;
  for (auto& [step, open] : open_) {
    abandoned.push_back({step, std::move(open.reporters)});
  }
  open_.clear();
  return abandoned;
}

ClosedStep Generation::RecordNone(std::vector<uint32_t> ranks, int64_t step, absl::Time now) {
  StepDecision decision = Blank(step, now);
  if (step <= unknown_through_) {
    decision.reason = {ReasonCode::kUnknownAfterCrash, static_cast<double>(unknown_through_)};
  } else {
    decision.reason = {ReasonCode::kBelowQuorum, 0, static_cast<double>(Quorum(spec_.settings))};
  }
  auto shared = std::make_shared<const StepDecision>(std::move(decision));
  Remember(shared);
  return {.decision = shared,
          .memory_after = memory_,
          .reporters = std::move(ranks),
          .first_report = now,
          .last_report = now};
}

Effects Generation::Tick(absl::Time now) {
  if (gate_closed_ && now >= gate_deadline_) {
    OpenGate(now);
  }
  return CloseDue(now);
}

absl::Time Generation::NextDeadline() const {
  if (gate_closed_) {
    return gate_deadline_;
  }
  return open_.empty() ? absl::InfiniteFuture() : open_.begin()->second.deadline;
}

int64_t Generation::SetPolicy(const Policy& policy) {
  spec_.settings.policy = policy;
  return NextUnopenedStep();
}

int64_t Generation::SetGuards(const Guards& guards) {
  spec_.settings.guards = guards;
  return NextUnopenedStep();
}

int64_t Generation::NextUnopenedStep() const {
  return 1 + (open_.empty() ? decided_through_ : std::max(decided_through_, open_.rbegin()->first));
}

// From here on steps close. Ranks that have not come are not waited for; where ranks may hold
// decisions that the journal lost, the steps that could be affected have no command.
void Generation::OpenGate(absl::Time now) {
  gate_closed_ = false;
  restored_.clear();
  members_.SilenceAbsent();
  decided_through_ = std::max(decided_through_, unknown_through_);
  for (auto& [step, open] : open_) {
    open.deadline = now + open.settings.straggler_timeout;
  }
}

// A rank that runs ahead must not keep out the reports that close the oldest step.
std::optional<ReportRefused> Generation::TooManyExamples(const StepReport& report) const {
  size_t of_step = report.examples.size();
  size_t of_all = report.examples.size();
  for (const auto& [step, open] : open_) {
    of_step += step == report.step ? open.examples.size() : 0;
    of_all += open.examples.size();
  }
  if (of_step > kMaxStepExamples) {
    return ReportRefused{
        RefusalCode::kInvalid,
        absl::StrCat("step ", report.step, " has ", of_step,
                     " losses over all ranks; scope dataset takes at most ", kMaxStepExamples)};
  }
  const bool is_oldest = open_.empty() || report.step <= open_.begin()->first;
  const size_t limit = is_oldest ? 2 * kMaxOpenExamples : kMaxOpenExamples;
  if (of_all > limit) {
    return ReportRefused{RefusalCode::kOutsideWindow,
                         absl::StrCat("with step ", report.step, " the open steps would hold ",
                                      of_all, " losses; scope dataset lets them hold ", limit)};
  }
  return std::nullopt;
}

// A rank that is not back yet may hold a decision about the step.
bool Generation::MayComeBack(int64_t step) const {
  return gate_closed_ && unclean_ && step > recovered_through_ && restored_.count(step) == 0;
}

Generation::OpenStep& Generation::OpenStepAt(int64_t step, absl::Time now) {
  const auto [position, is_new] = open_.try_emplace(step);
  OpenStep& open = position->second;
  if (is_new) {
    open.settings = spec_.settings;
    open.first_report = now;
    if (!gate_closed_) {
      open.deadline = now + open.settings.straggler_timeout;
    }
  }
  return open;
}

Effects Generation::CloseDue(absl::Time now) {
  Effects effects;
  while (!gate_closed_ && !open_.empty() && IsDue(open_.begin()->first, now)) {
    auto oldest = open_.extract(open_.begin());
    effects.closed.push_back(Close(oldest.key(), oldest.mapped(), now));
  }
  return effects;
}

bool Generation::IsDue(int64_t step, absl::Time now) {
  OpenStep& open = open_.at(step);
  if (members_.AwaitedThrough() >= step || step <= unknown_through_) {
    return true;
  }
  if (now < open.deadline) {
    return false;
  }
  const absl::Time pause_end = members_.LongestPauseOfMissing(step);
  if (pause_end > now) {
    open.deadline = pause_end;
    return false;
  }
  members_.SilenceMissing(step);
  return true;
}

ClosedStep Generation::Close(int64_t step, OpenStep& open, absl::Time now) {
  StepDecision decision = Blank(step, now);
  decision.policy = PolicyName(open.settings.policy);
  decision.reports = static_cast<uint32_t>(open.reporters.size());
  decision.observation = Observe(open);
  const uint32_t quorum = Quorum(open.settings);
  if (step <= unknown_through_) {
    decision.reason = {ReasonCode::kUnknownAfterCrash, static_cast<double>(unknown_through_)};
  } else if (decision.reports < quorum) {
    decision.reason = {ReasonCode::kBelowQuorum, static_cast<double>(decision.reports),
                       static_cast<double>(quorum)};
  } else {
    Proposal proposal = ProposeFor(step, open, decision.observation);
    const std::optional<Reason> veto = Veto(open.settings, proposal);
    Guarded guarded = ApplyGuards(open.settings.guards, std::move(memory_.guards), veto, step,
                                  decision.observation.temperature.mean, std::move(proposal));
    memory_.guards = std::move(guarded.state);
    if (!guarded.withheld.empty()) {
      ForgetCommand(memory_.policy, step);
    }
    decision.reason = guarded.reason;
    decision.actions = std::move(guarded.actions);
    decision.withheld = std::move(guarded.withheld);
    NumberActions(step, decision.actions);
    NumberActions(step, decision.withheld);
  }
  decided_through_ = std::max(decided_through_, step);
  auto shared = std::make_shared<const StepDecision>(std::move(decision));
  Remember(shared);
  return {.decision = shared,
          .memory_after = memory_,
          .reporters = std::move(open.reporters),
          .first_report = open.first_report,
          .last_report = open.last_report};
}

// What the rule of the settings wants, once it has seen enough.
Proposal Generation::ProposeFor(int64_t step, const OpenStep& open,
                                const Observation& observation) {
  if (open.settings.scope == LossScope::kDataset && observation.coverage < kWarmCoverage) {
    return {.reason = {ReasonCode::kWarmingUp, observation.coverage, kWarmCoverage}};
  }
  return Propose(open.settings.policy, memory_.policy, observation,
                 ContextOf(step, open, observation));
}

Observation Generation::Observe(const OpenStep& open) {
  if (!table_) {
    return MakeObservation(open.losses, open.tied, open.top);
  }
  const ExcludedLosses excluded = table_->Update(open.examples);
  return MakeObservation(*table_, excluded, open.tied, spec_.settings.dataset_examples);
}

// Why the ranks cannot or may not do what is proposed, if so.
std::optional<Reason> Generation::Veto(const RunSettings& settings,
                                       const Proposal& proposal) const {
  if (acting_stopped_) {
    return Reason{ReasonCode::kActingStopped};
  }
  if (settings.policy.observe) {
    return Reason{ReasonCode::kObserveOnly};
  }
  if (members_.left() > 0) {
    return Reason{ReasonCode::kRankLeft, static_cast<double>(members_.left())};
  }
  if (spec_.world_size > 1 && members_.without_agree() > 0) {
    return Reason{ReasonCode::kNoAgree, static_cast<double>(members_.without_agree())};
  }
  if (members_.without_noise() > 0) {
    return Reason{ReasonCode::kNoNoiseSpec, static_cast<double>(members_.without_noise())};
  }
  for (const Action& action : proposal.actions) {
    if (const auto* restore = std::get_if<RestoreAction>(&action)) {
      if (const uint32_t missing = members_.WithoutSnapshot(restore->id); missing > 0) {
        return Reason{ReasonCode::kSnapshotMissing, static_cast<double>(missing)};
      }
    }
  }
  return std::nullopt;
}

PolicyContext Generation::ContextOf(int64_t step, const OpenStep& open,
                                    const Observation& observation) const {
  PolicyContext context = {
      .step = step, .apply_step = step + 1 + spec_.settings.lag, .losses = open.losses.count()};
  if (table_) {
    const ExcludedLosses& excluded = observation.excluded;
    context.losses = open.examples.size() - excluded.nan - excluded.infinite - excluded.negative;
    context.dataset_examples = spec_.settings.dataset_examples;
  }
  // A shadow has no snapshots: it would ask for one at each step that improves. Nor does it cool,
  // at each step near the end.
  if (!open.settings.policy.observe) {
    context.snapshot_capacity = members_.SnapshotCapacity();
    context.snapshots = members_.SnapshotsOfAll();
    context.can_scale_learning_rate = members_.AllScaleLearningRate();
  }
  context.can_set_identity = spec_.has_square_tensor;
  return context;
}

StepDecision Generation::Blank(int64_t step, absl::Time now) const {
  StepDecision decision;
  decision.generation = spec_.number;
  decision.step = step;
  decision.apply_step = step + 1 + spec_.settings.lag;
  decision.closed = now;
  decision.policy = PolicyName(spec_.settings.policy);
  return decision;
}

void Generation::NumberActions(int64_t step, std::vector<Action>& actions) const {
  for (uint32_t position = 0; position < actions.size(); ++position) {
    if (auto* perturb = std::get_if<PerturbAction>(&actions[position])) {
      perturb->seed = PerturbationSeed(spec_.settings.run_seed, spec_.branch, step);
      perturb->id = PerturbationId(spec_.settings.run_seed, spec_.number, step, position);
    }
  }
}

void Generation::Remember(std::shared_ptr<const StepDecision> decision) {
  recent_.push_back(std::move(decision));
  if (recent_.size() > kRecentDecisions) {
    recent_.pop_front();
  }
}

std::shared_ptr<const StepDecision> Generation::Recent(int64_t step) const {
  const auto found = std::find_if(recent_.rbegin(), recent_.rend(),
                                  [&](const auto& decision) { return decision->step == step; });
  return found == recent_.rend() ? nullptr : *found;
}

uint32_t Generation::Quorum(const RunSettings& settings) const {
  return settings.quorum == 0 ? spec_.world_size / 2 + 1 : settings.quorum;
}

}  // namespace lehr
