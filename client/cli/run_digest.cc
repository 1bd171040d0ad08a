#include "client/cli/run_digest.h"

#include <utility>

namespace lehr {
namespace {

// Of a run that was restarted more often, the newest are kept.
constexpr size_t kMaxGenerations = 6;
constexpr size_t kFirstStretches = 100;
constexpr size_t kNewestStretches = 300;

// Says nothing but that it is too early to say something.
bool IsWaiting(const v1::HistoryEntry& entry) {
  const v1::Decision& decision = entry.decision();
  const v1::Reason::Code code = decision.reason().code();
  return decision.actions().empty() && decision.withheld().empty() &&
         (code == v1::Reason::CODE_PASS_UNDER_WAY || code == v1::Reason::CODE_UNDER_WAY);
}

bool SayTheSame(const v1::HistoryEntry& a, const v1::HistoryEntry& b) {
  return a.decision().generation() == b.decision().generation() &&
         a.decision().policy() == b.decision().policy() &&
         a.decision().reason().code() == b.decision().reason().code() &&
         a.decision().actions_size() == b.decision().actions_size() &&
         a.decision().withheld_size() == b.decision().withheld_size() &&
         (a.skipped() > 0) == (b.skipped() > 0);
}

// A perturbation may do nothing but reset the optimizer.
bool ChangesParameters(const v1::Action& action) {
  const v1::Perturbation& perturb = action.perturb();
  return action.has_perturb() &&
         (perturb.stddev() > 0 || (perturb.has_shrink() && perturb.shrink() != 1));
}

// What acts is a line of its own, unless the policy acts at every step.
bool Continues(const v1::HistoryEntry& before, const v1::HistoryEntry& entry) {
  const bool is_next_step = entry.decision().step() == before.decision().step() + 1;
  return SayTheSame(before, entry) && (is_next_step || entry.decision().actions().empty());
}

void AddMarks(GenerationDigest& digest, const v1::HistoryEntry& entry) {
  const v1::Decision& decision = entry.decision();
  const bool was_skipped = entry.skipped() > 0 && entry.applied() == 0;
  const auto mark = [&](ActionMark kind, double value) {
    digest.marks[static_cast<int>(kind)].Add(decision.apply_step(), value);
  };
  for (const v1::Action& action : decision.actions()) {
    if (was_skipped) {
      break;
    }
    if (ChangesParameters(action)) {
      mark(ActionMark::kPerturb, action.perturb().stddev());
    } else if (action.has_restore()) {
      mark(ActionMark::kRestore, 1);
    } else if (action.has_identity()) {
      mark(ActionMark::kIdentity, 1);
    } else if (action.has_learning_rate()) {
      mark(ActionMark::kLearningRate, 1);
    } else if (action.has_snapshot()) {
      mark(ActionMark::kSnapshot, 1);
    }
  }
  if (!decision.withheld().empty()) {
    mark(ActionMark::kWithheld, 1);
  }
}

}  // namespace

void RunDigest::Add(const v1::HistoryEntry& entry) {
  ++decisions_;
  AddToGeneration(entry);
  AddToStretches(entry);
}

void RunDigest::AddToGeneration(const v1::HistoryEntry& entry) {
  const v1::Decision& decision = entry.decision();
  if (generations_.empty() || generations_.back().generation != decision.generation()) {
    if (generations_.size() == kMaxGenerations) {
      generations_.pop_front();
      ++generations_left_out_;
    }
    GenerationDigest& fresh = generations_.emplace_back();
    fresh.generation = decision.generation();
    fresh.first_step = decision.step();
    fresh.first_unix_ns = decision.closed_unix_ns();
  }
  GenerationDigest& digest = generations_.back();
  digest.last_step = decision.step();
  digest.last_unix_ns = decision.closed_unix_ns();
  ++digest.decisions;
  digest.commands += decision.actions().empty() ? 0 : 1;
  AddMarks(digest, entry);
  const v1::Observation& observation = decision.observation();
  if (observation.count() == 0) {
    return;
  }
  const int64_t step = decision.step();
  digest.temperature.Add(step, observation.temperature());
  digest.mean.Add(step, observation.mean());
  digest.root_mean_square.Add(step, observation.root_mean_square());
  digest.max.Add(step, observation.max());
  digest.p10.Add(step, observation.p10());
  digest.p50.Add(step, observation.p50());
  digest.p90.Add(step, observation.p90());
  digest.imbalance.Add(step, observation.imbalance());
  digest.dead_examples.Add(step, static_cast<double>(observation.dead_examples()));
  if (observation.has_tied_share()) {
    digest.tied_share.Add(step, observation.tied_share());
  }
  if (digest.first_mean != digest.first_mean) {
    digest.first_mean = observation.mean();
  }
  digest.last_mean = observation.mean();
  if (observation.mean() < digest.least_mean.value) {
    digest.least_mean = {step, observation.mean()};
  }
}

void RunDigest::AddToStretches(const v1::HistoryEntry& entry) {
  if (IsWaiting(entry)) {
    return;
  }
  const int64_t step = entry.decision().step();
  if (DecisionStretch* last = LastStretch(); last != nullptr && Continues(last->last, entry)) {
    ++last->decisions;
    last->last = entry;
    return;
  }
  DecisionStretch stretch = {.first_step = step, .decisions = 1, .last = entry};
  if (first_stretches_.size() < kFirstStretches) {
    first_stretches_.push_back(std::move(stretch));
    return;
  }
  if (newest_stretches_.size() == kNewestStretches) {
    newest_stretches_.pop_front();
    ++stretches_left_out_;
  }
  newest_stretches_.push_back(std::move(stretch));
}

DecisionStretch* RunDigest::LastStretch() {
  if (!newest_stretches_.empty()) {
    return &newest_stretches_.back();
  }
  return first_stretches_.empty() ? nullptr : &first_stretches_.back();
}

}  // namespace lehr
