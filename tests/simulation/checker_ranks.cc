// What the checker learns from the ranks, and holds against them.
#include <algorithm>
#include <utility>

#include "tests/simulation/checker.h"
#include "tests/simulation/decision_content.h"
#include "tests/simulation/rank_process.h"

namespace lehr::simulation {

void Checker::ProcessStarts(uint32_t process, const v1::Join& join) {
  Trace("process ", process, " starts: rank ", join.rank(), " of ", join.world_size(), ", job ",
        join.job_attempt(), ", from step ", join.resume_step());
  processes_[process].join = join;
}

void Checker::RankSays(uint32_t process, std::string_view line) {
  Trace("process ", process, " says: ", std::string(line));
}

void Checker::RankReceives(uint32_t number, const v1::SuperviseResponse& response) {
  Trace("process ", number, " <- ", response.ShortDebugString());
  Process& process = processes_[number];
  if (response.has_welcome()) {
    if (process.generation != response.welcome().generation()) {
      process.received.clear();
      process.durable_through = -1;
    }
    process.generation = response.welcome().generation();
    process.welcomed_ever = true;
    process.patient = true;
    process.durable_through =
        std::max(process.durable_through, response.welcome().durable_through());
  } else if (response.has_decision() && response.decision().generation() == process.generation) {
    process.received[response.decision().step()] = response.decision();
    process.durable_through =
        std::max(process.durable_through, response.decision().durable_through());
  }
}

// Promise 3: a Join brings back all that the supervisor may have lost.
void Checker::RankSends(uint32_t number, const v1::SuperviseRequest& request) {
  Trace("process ", number, " -> ", request.ShortDebugString());
  if (!request.has_join()) {
    return;
  }
  Process& process = processes_[number];
  process.join = request.join();
  for (const auto& [step, decision] : process.received) {
    const std::string content = Content(decision);
    const bool held = std::any_of(request.join().held().begin(), request.join().held().end(),
                                  [&](const v1::Decision& h) { return Content(h) == content; });
    if (step > process.durable_through && !held) {
      Fail(absl::StrCat("process ", number, " does not bring back the decision about step ", step));
    }
  }
}

void Checker::RankReports(uint32_t number, int64_t step) {
  Trace("process ", number, " ends step ", step);
  Process& process = processes_[number];
  process.reported_at = queue_.now();
  process.welcomed_before_report = process.welcomed_ever;
}

// Promise 9: no wait beyond its bound, and none after one that was in vain.
void Checker::RankContinues(uint32_t number, int64_t step) {
  Process& process = processes_[number];
  const absl::Duration waited = queue_.now() - process.reported_at;
  absl::Duration bound = scenario_.decision_timeout;
  if (!process.welcomed_before_report) {
    bound = process.welcomed_ever ? scenario_.connect_timeout + scenario_.decision_timeout
                                  : scenario_.connect_timeout;
  }
  if (waited > bound) {
    Fail(absl::StrCat("process ", number, " waits ", absl::FormatDuration(waited), " in step ",
                      step));
  }
  if (!process.patient && waited > absl::ZeroDuration()) {
    Fail(absl::StrCat("process ", number, " waits again in step ", step,
                      ", though its supervisor did not answer before"));
  }
  process.patient = process.patient && waited < bound;
}

void Checker::JobStarts(const std::string& attempt, std::vector<int64_t> applied,
                        std::optional<StepKey> checkpoint) {
  jobs_[attempt] = {.applied = std::move(applied), .checkpoint = checkpoint};
}

// Promises 1, 2 and 5.
void Checker::JobAgreed(const std::string& attempt, int64_t step,
                        const std::vector<std::unique_ptr<RankProcess>>& ranks,
                        const std::vector<bool>& applied) {
  const RankProcess& first = *ranks[0];
  for (size_t i = 1; i < ranks.size(); ++i) {
    if (applied[i] != applied[0]) {
      Fail(absl::StrCat("the command for step ", step + 1, " of job ", attempt,
                        " is applied by some ranks only"));
    }
    if (!(ranks[i]->parameters() == first.parameters())) {
      Fail(absl::StrCat("replicas of job ", attempt, " differ after step ", step));
    }
    if (ranks[i]->factor() != first.factor()) {
      Fail(absl::StrCat("ranks of job ", attempt, " learn at different rates after step ", step));
    }
  }
  if (!first.held()) {
    return;
  }
  if (!applied[0]) {
    ++counts_.skipped;
    return;
  }
  ++counts_.applied;
  const HeldDecision& held = *first.held();
  v1::Decision decision;
  decision.ParseFromString(held.record);
  if (decision.apply_step() != step + 1) {
    Fail(absl::StrCat("a command for step ", decision.apply_step(), " is applied before step ",
                      step + 1));
  }
  Trace("job ", attempt, " applies the command of step ", held.step, " before step ", step + 1);
  if (!applied_.try_emplace({held.generation, held.step}, Actions(decision)).second) {
    Fail(absl::StrCat("a second command is applied for generation ", held.generation, ", step ",
                      held.step));
  }
  Job& job = jobs_[attempt];
  job.applied.push_back(held.step);
  CheckGuards(job);
}

// Cooldown and budget hold over what was truly applied, whatever crashed in between.
void Checker::CheckGuards(const Job& job) {
  const v1::Guards& guards = scenario_.settings.guards();
  const auto begin = job.applied.begin() + static_cast<int64_t>(job.guarded_from);
  const int64_t newest = job.applied.back();
  const int64_t in_cooldown = std::count_if(begin, job.applied.end(), [&](int64_t step) {
    return step != newest && newest - step <= guards.cooldown_steps();
  });
  if (in_cooldown > 0) {
    Fail(absl::StrCat("the command of step ", newest, " is applied within the cooldown"));
  }
  const int64_t in_window = std::count_if(begin, job.applied.end(), [&](int64_t step) {
    return step > newest - guards.budget_window_steps();
  });
  if (guards.budget() > 0 && in_window > guards.budget()) {
    Fail(absl::StrCat("with the command of step ", newest, " ", in_window,
                      " are applied in a window of ", guards.budget_window_steps()));
  }
}

}  // namespace lehr::simulation
