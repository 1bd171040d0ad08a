#include "tests/simulation/checker.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "tests/simulation/decision_content.h"

namespace lehr::simulation {
namespace {

bool IsPassedBy(const v1::Decision& decision) { return decision.reports() == 0; }

bool Close(double a, double b) { return std::abs(a - b) <= 1e-6 * std::max(1.0, std::abs(b)); }

}  // namespace

void Checker::Fail(std::string fault) {
  Trace("FAULT ", fault);
  if (fault_.empty()) {
    fault_ = absl::StrCat("at ", absl::FormatDuration(queue_.elapsed()), ": ", fault);
  }
}

void Checker::TraceLine(const std::string& line) {
  std::printf("%12.6f  %s\n", absl::ToDoubleSeconds(queue_.elapsed()), line.c_str());
}

// ---- The supervisor.

void Checker::SupervisorStarted(SimulatedStore& store) {
  Trace("supervisor starts, epoch ", store.epoch(), store.clean_stop() ? "" : ", unclean");
  if (store.epoch() <= highest_epoch_) {
    Fail(absl::StrCat("epoch ", store.epoch(), " after ", highest_epoch_));
  }
  highest_epoch_ = store.epoch();
  store_ = &store;
  clean_start_ = store.clean_stop();
  started_ = queue_.now();
  generation_ = 0;
  joins_.clear();
  observes_from_.reset();
  checkpoints_.clear();
  const RecoveredState state = *store.Recover();
  acting_stopped_ = state.acting_stopped;
  // An end that no disk held was not acknowledged.
  run_ended_ = false;
  for (const RecoveredRun& run : state.runs) {
    run_ended_ = run.run.ended();
    for (const RecoveredCheckpoint& checkpoint : run.checkpoints) {
      checkpoints_.emplace_back(checkpoint.generation, checkpoint.step);
    }
    BeginGeneration(run.generations.back());
    recovered_gate_ = true;
    if (run.newest) {
      closed_through_ = run.newest->decision.step();
    }
    recovered_through_ = closed_through_;
    for (Rank& rank : ranks_) {
      rank.highest = closed_through_;
    }
  }
}

void Checker::RunEnded() {
  Trace("the run ends");
  run_ended_ = true;
}

void Checker::SupervisorEnded() {
  Trace("supervisor ends");
  store_ = nullptr;
  ++counts_.crashes;
}

void Checker::SupervisorTicks() {
  if (recovered_gate_ && !gate_open_ && queue_.now() >= started_ + scenario_.join_timeout) {
    OpenGate();
  }
}

void Checker::BeginGeneration(const journal::v1::GenerationRecord& record) {
  generation_ = record.generation();
  record_ = record;
  ranks_.assign(record.world_size(), Rank{.highest = record.resume_step() - 1});
  rank_of_stream_.clear();
  reported_.clear();
  restored_.clear();
  gate_open_ = false;
  recovered_gate_ = false;
  unknown_through_ = record.resume_step() - 1;
  closed_through_ = record.resume_step() - 1;
  recovered_through_ = record.resume_step() - 1;
  last_close_ = last_change_ = pauses_end_ = absl::InfinitePast();
  breaker_ = {};
  observes_from_.reset();
  full_decisions_ = 0;
}

void Checker::OpenGate() {
  gate_open_ = true;
  gate_opened_ = queue_.now();
  for (Rank& rank : ranks_) {
    if (!rank.joined && rank.highest <= std::max(closed_through_, recovered_through_)) {
      rank.silent = true;
    }
  }
}

void Checker::OpenGateIfAllJoined() {
  if (!gate_open_ && !ranks_.empty() &&
      std::all_of(ranks_.begin(), ranks_.end(), [](const Rank& r) { return r.joined; })) {
    OpenGate();
  }
}

void Checker::SupervisorReceives(uint64_t stream, uint32_t process,
                                 const v1::SuperviseRequest& request) {
  Trace("supervisor <- process ", process, " stream ", stream, ": ", request.ShortDebugString());
  report_counts_ = false;
  if (request.has_join()) {
    joins_[stream] = request.join();
    joining_rank_ = request.join().rank();
    if (generation_ != 0 && request.join().job_attempt() == record_.job_attempt()) {
      ranks_[joining_rank_].joined = true;
    }
  }
  const auto seat = rank_of_stream_.find(stream);
  if (seat == rank_of_stream_.end() || ranks_[seat->second].stream != stream) {
    return;
  }
  Rank& rank = ranks_[seat->second];
  if (request.has_report() && !request.report().more() && !run_ended_) {
    TakeReport(seat->second, request.report());
  } else if (request.has_pause()) {
    rank.paused_until = queue_.now() + absl::Seconds(request.pause().at_most().seconds()) +
                        absl::Nanoseconds(request.pause().at_most().nanos());
    pauses_end_ = std::max(pauses_end_, rank.paused_until);
  } else if (request.has_leave()) {
    rank.left = true;
    last_change_ = queue_.now();
  }
}

void Checker::TakeReport(uint32_t number, const v1::Report& report) {
  Rank& rank = ranks_[number];
  last_change_ = queue_.now();
  rank.silent = false;
  rank.paused_until = absl::InfinitePast();
  rank.highest = std::max(rank.highest, report.step());
  const bool is_late =
      gate_open_ ? report.step() <= std::max(closed_through_, unknown_through_)
                 : report.step() <= recovered_through_ || restored_.count(report.step()) > 0;
  if (is_late) {
    ++counts_.late;
    return;
  }
  Reported& reported = reported_[report.step()];
  if (reported.losses.empty()) {
    reported.first = queue_.now();
  }
  reporting_rank_ = number;
  report_counts_ =
      reported.losses.try_emplace(number, report.losses().begin(), report.losses().end()).second;
  if (report_counts_) {
    reported.last = queue_.now();
  }
}

void Checker::SupervisorHandled(uint64_t stream, const v1::SuperviseRequest& request,
                                SimulatedStore& store) {
  if (request.has_join()) {
    OpenGateIfAllJoined();
    CheckRestored(stream, request.join(), store);
  }
}

// Promise 3: what a rank brings back is in the journal from then on.
void Checker::CheckRestored(uint64_t stream, const v1::Join& join, SimulatedStore& store) {
  const bool in_time = recovered_gate_ && !clean_start_ &&
                       queue_.now() < started_ + scenario_.join_timeout &&
                       (!gate_open_ || gate_opened_ == queue_.now());
  if (!in_time || rank_of_stream_.count(stream) == 0 || join.generation() != generation_) {
    return;
  }
  for (const v1::Decision& held : join.held()) {
    const auto found = store.FindDecision(join.run_id(), held.generation(), held.step());
    if (held.step() > recovered_through_ && !found->has_value()) {
      Fail(absl::StrCat("rank ", join.rank(), " brings back the decision about step ", held.step(),
                        ", and the journal does not have it"));
    }
  }
}

void Checker::SupervisorSends(uint64_t stream, uint32_t process,
                              const v1::SuperviseResponse& response, SimulatedStore& store) {
  Trace("supervisor -> process ", process, " stream ", stream, ": ", response.ShortDebugString());
  if (response.has_welcome()) {
    CheckWelcome(stream, process, response.welcome(), store);
  } else if (response.has_decision()) {
    CheckSent(response.decision(), store);
  } else if (response.has_refused() && report_counts_) {
    const auto reported = reported_.find(response.refused().step());
    if (reported != reported_.end()) {
      reported->second.losses.erase(reporting_rank_);
      if (reported->second.losses.empty()) {
        reported_.erase(reported);
      }
    }
  }
}

// Promises 3, 6 and 10.
void Checker::CheckWelcome(uint64_t stream, uint32_t process, const v1::Welcome& welcome,
                           const SimulatedStore& store) {
  const v1::Join& join = joins_[stream];
  if (welcome.generation() != generation_) {
    Fail(absl::StrCat("process ", process, " is welcomed in generation ", welcome.generation(),
                      ", not the current ", generation_));
    return;
  }
  if (welcome.epoch() != highest_epoch_) {
    Fail(absl::StrCat("a Welcome of epoch ", welcome.epoch(), " in epoch ", highest_epoch_));
  }
  const auto owner = attempt_of_generation_.try_emplace(generation_, join.job_attempt()).first;
  if (owner->second != join.job_attempt()) {
    Fail(absl::StrCat("job ", join.job_attempt(), " is welcomed in generation ", generation_,
                      ", which was job ", owner->second, "'s"));
  }
  Job& job = jobs_[join.job_attempt()];
  if (job.generation != 0 && job.generation != generation_) {
    Fail(absl::StrCat("job ", join.job_attempt(), " was in generation ", job.generation,
                      " and is welcomed in ", generation_));
  }
  job.generation = generation_;
  CheckDurable(welcome.durable_through(), store);
  Rank& rank = ranks_[join.rank()];
  rank_of_stream_[stream] = join.rank();
  rank.stream = stream;
  rank.left = false;
  if (recovered_gate_ && !gate_open_ && !clean_start_) {
    if (join.generation() == generation_ && join.has_highest_step()) {
      unknown_through_ =
          std::max(unknown_through_, join.highest_step() + int64_t{scenario_.settings.lag()});
    }
  }
  OpenGateIfAllJoined();
}

// Promises 1, 3, 6 and 10.
void Checker::CheckSent(const v1::Decision& decision, SimulatedStore& store) {
  const StepKey key = {decision.generation(), decision.step()};
  const auto recorded = store.FindDecision("run", key.first, key.second);
  if (!recorded->has_value() || Content((*recorded)->decision) != Content(decision)) {
    Fail(absl::StrCat("what is sent about step ", decision.step(), " is not what is recorded"));
  }
  if (decision.generation() != generation_) {
    Fail(absl::StrCat("a decision of generation ", decision.generation(), " is sent in generation ",
                      generation_));
  }
  if (decision.epoch() != highest_epoch_) {
    Fail(absl::StrCat("a decision of epoch ", decision.epoch(), " is sent in epoch ",
                      highest_epoch_));
  }
  CheckDurable(decision.durable_through(), store);
  if (decision.actions_size() == 0) {
    return;
  }
  const v1::Guards& guards = scenario_.settings.guards();
  if ((guards.cooldown_steps() > 0 || guards.budget() > 0) && !store.IsDurable(key)) {
    Fail(absl::StrCat("the acting decision about step ", decision.step(),
                      " is sent before it is durable, though later ones are counted against it"));
  }
  const std::string actions = Actions(decision);
  if (sent_actions_.try_emplace(key, actions).first->second != actions) {
    Fail(absl::StrCat("two different commands were sent about step ", decision.step()));
  }
}

void Checker::CheckDurable(int64_t through, const SimulatedStore& store) {
  if (!store.IsDurableThrough({generation_, through})) {
    Fail(absl::StrCat("step ", through, " is said to be durable, and it or one before it is not"));
  }
}

void Checker::PolicyChanged(bool observe, int64_t from_step) {
  Trace("policy: observe ", observe, " from step ", from_step);
  observes_from_ = observe ? std::optional(from_step) : std::nullopt;
}

void Checker::ActingStopped(bool stop) {
  Trace("acting stopped: ", stop);
  acting_stopped_ = stop;
}

// ---- Its store.

void Checker::OnGeneration(const journal::v1::GenerationRecord& generation) {
  if (generation.generation() == generation_) {
    return;
  }
  ++counts_.generations;
  if (generation.generation() < generation_) {
    Fail(absl::StrCat("generation ", generation.generation(), " after ", generation_));
  }
  BeginGeneration(generation);
  ranks_[joining_rank_].joined = true;
  // Promise 7: the guards go on where the checkpoint left them.
  Job& job = jobs_[generation.job_attempt()];
  const StepKey resumed = {generation.resume_generation(), generation.resume_step() - 1};
  const bool kept =
      std::find(checkpoints_.begin(), checkpoints_.end(), resumed) != checkpoints_.end();
  if (kept && job.checkpoint != resumed) {
    Fail(absl::StrCat("a job goes on from a checkpoint that it does not have: generation ",
                      resumed.first, ", step ", resumed.second));
  }
  job.guarded_from = kept ? 0 : job.applied.size();
  breaker_.is_known = !kept;
}

void Checker::OnDecision(const v1::Decision& decision) {
  ++counts_.decisions;
  if (store_ != nullptr && decision.epoch() != store_->epoch()) {
    ++counts_.restored;
    if (clean_start_ || (gate_open_ && gate_opened_ != queue_.now())) {
      Fail(absl::StrCat("the decision about step ", decision.step(), " is brought back too late"));
    }
    reported_.erase(decision.step());
    restored_.insert(decision.step());
    closed_through_ = std::max(closed_through_, decision.step());
    unknown_through_ =
        std::max(unknown_through_, decision.step() + int64_t{scenario_.settings.lag()});
    return;
  }
  if (decision.actions_size() > 0) {
    CheckActing(decision);
  }
  if (IsPassedBy(decision)) {
    if (decision.step() > std::max(closed_through_, unknown_through_)) {
      Fail(absl::StrCat("step ", decision.step(), " has a decision without a report"));
    }
    return;
  }
  CheckClosed(decision);
}

// Promises 1 and 4.
void Checker::CheckClosed(const v1::Decision& decision) {
  if (decision.generation() != generation_) {
    Fail(absl::StrCat("a step of generation ", decision.generation(), " closes in generation ",
                      generation_));
    return;
  }
  const bool unknown = decision.reason().code() == v1::Reason::CODE_UNKNOWN_AFTER_CRASH;
  counts_.unknown += unknown;
  if (decision.step() <= closed_through_ && !unknown) {
    Fail(absl::StrCat("step ", decision.step(), " closes after step ", closed_through_));
  }
  OpenGateIfAllJoined();
  if (!gate_open_) {
    Fail(absl::StrCat("step ", decision.step(), " closes before all ranks have joined"));
  }
  if (decision.step() <= unknown_through_ && decision.actions_size() > 0) {
    Fail(absl::StrCat("step ", decision.step(), " acts, though it may have been decided before; ",
                      "that is unknown up to step ", unknown_through_));
  }
  const auto reported = reported_.extract(decision.step());
  if (reported.empty()) {
    Fail(absl::StrCat("step ", decision.step(), " closes without a report"));
    return;
  }
  CheckObservation(decision, reported.mapped());
  if (!unknown) {
    CheckWaits(decision, reported.mapped());
  }
  closed_through_ = std::max(closed_through_, decision.step());
  if (!unknown && decision.reason().code() != v1::Reason::CODE_BELOW_QUORUM) {
    WatchBreaker(decision);
  }
  last_close_ = queue_.now();
  full_decisions_ += !unknown && decision.reports() == ranks_.size();
}

// Promise 4: the losses are those of the ranks that reported in time, and of no other.
void Checker::CheckObservation(const v1::Decision& decision, const Reported& reported) {
  double n = 0;
  double s1 = 0;
  double s2 = 0;
  double sl = 0;
  for (const auto& [rank, losses] : reported.losses) {
    for (const float loss : losses) {
      if (!std::isfinite(loss) || loss < 0) {
        continue;
      }
      ++n;
      s1 += loss;
      s2 += double{loss} * loss;
      sl += loss > 0 ? loss * std::log2(loss) : 0;
    }
  }
  const double most = std::log2(n);
  const double unsquared =
      n < 2 || s1 == 0 ? 0 : std::max(0.0, (most - (std::log2(s1) - sl / s1)) / most);
  const double temperature = std::sqrt(s2) * unsquared * unsquared;
  const v1::Observation& seen = decision.observation();
  if (decision.reports() != reported.losses.size() || static_cast<double>(seen.count()) != n ||
      !Close(seen.temperature(), temperature) || !Close(seen.mean(), n > 0 ? s1 / n : 0)) {
    Fail(absl::StrCat("step ", decision.step(), " counts ", decision.reports(), " reports, ",
                      seen.count(), " losses and T = ", seen.temperature(), "; in time were ",
                      reported.losses.size(), ", ", n, " and ", temperature));
  }
}

// The breaker opens when the mean explodes after a command that was truly applied.
void Checker::WatchBreaker(const v1::Decision& decision) {
  const v1::Guards& guards = scenario_.settings.guards();
  const double mean = decision.observation().mean();
  if (!breaker_.is_known || guards.breaker_factor() == 0) {
    return;
  }
  if (breaker_.acted_at < 0) {
    breaker_.greatest_mean = std::max(breaker_.greatest_mean, mean);
  } else if (applied_.count({generation_, breaker_.acted_at}) > 0 &&
             decision.step() - breaker_.acted_at <= guards.breaker_window_steps() &&
             mean > guards.breaker_factor() * breaker_.greatest_mean * (1 + 1e-6)) {
    breaker_.is_open = true;
  }
  if (decision.actions_size() == 0) {
    return;
  }
  breaker_.acted_at = decision.step();
  if (breaker_.is_open) {
    Fail(absl::StrCat("step ", decision.step(), " acts, though the breaker is open"));
  }
}

// Promises 4 and 12: how long a step waited, and for whom.
void Checker::CheckWaits(const v1::Decision& decision, const Reported& reported) {
  const absl::Time now = queue_.now();
  std::vector<uint32_t> missing;
  absl::Time pause = absl::InfinitePast();
  for (uint32_t rank = 0; rank < ranks_.size(); ++rank) {
    if (!ranks_[rank].left && !ranks_[rank].silent && ranks_[rank].highest < decision.step()) {
      missing.push_back(rank);
      pause = std::max(pause, ranks_[rank].paused_until);
    }
  }
  const absl::Time opened = std::max(reported.first, gate_opened_);
  if (missing.empty()) {
    if (now > std::max({reported.last, gate_opened_, last_close_, last_change_})) {
      Fail(absl::StrCat("step ", decision.step(), " waited for ranks that are not awaited"));
    }
    return;
  }
  const absl::Time deadline = opened + scenario_.straggler_timeout;
  if (now < deadline) {
    Fail(absl::StrCat("step ", decision.step(), " closes without rank ", missing[0],
                      ", before the straggler timeout"));
  }
  if (pause > now) {
    Fail(absl::StrCat("step ", decision.step(), " closes without rank ", missing[0],
                      ", which has declared a pause"));
  }
  if (now > std::max({deadline, last_close_, pauses_end_})) {
    Fail(absl::StrCat("step ", decision.step(), " waits beyond the straggler timeout"));
  }
  for (const uint32_t rank : missing) {
    ranks_[rank].silent = true;
  }
}

// Promises 2, 4, 5 and 7.
void Checker::CheckActing(const v1::Decision& decision) {
  const auto fail = [&](const char* why) {
    Fail(absl::StrCat("step ", decision.step(), " acts, though ", why));
  };
  const uint32_t quorum = record_.settings().quorum() > 0
                              ? record_.settings().quorum()
                              : static_cast<uint32_t>(ranks_.size() / 2 + 1);
  if (decision.reports() < quorum) {
    fail("it has no quorum");
  }
  if (acting_stopped_) {
    fail("all acting is stopped");
  }
  if (observes_from_ && decision.step() >= *observes_from_) {
    fail("the policy only observes");
  }
  if (!scenario_.can_agree && ranks_.size() > 1) {
    fail("the ranks cannot agree");
  }
  if (std::any_of(ranks_.begin(), ranks_.end(), [](const Rank& r) { return r.left; })) {
    fail("a rank has left");
  }
  if (decision.apply_step() != decision.step() + 1 + int64_t{scenario_.settings.lag()}) {
    fail("its apply_step is wrong");
  }
  const uint64_t seed = decision.actions(0).perturb().seed();
  if (seeds_.try_emplace({record_.branch(), decision.step()}, seed).first->second != seed) {
    fail("a rewind of the same branch drew another seed");
  }
}

void Checker::OnOutcome(uint64_t generation, int64_t step, uint32_t rank,
                        v1::CommandOutcome::Result result) {
  const bool applied = applied_.count({generation, step}) > 0;
  if (applied != (result == v1::CommandOutcome::RESULT_APPLIED)) {
    Fail(absl::StrCat("rank ", rank, " is recorded to say ",
                      v1::CommandOutcome::Result_Name(result), " of step ", step,
                      applied ? ", which was applied" : ", which was not applied"));
  }
}

void Checker::OnCheckpoint(uint64_t generation, int64_t step) {
  checkpoints_.emplace_back(generation, step);
}

}  // namespace lehr::simulation
