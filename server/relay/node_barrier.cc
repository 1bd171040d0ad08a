#include "server/relay/node_barrier.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace lehr {

template <typename Change>
void NodeBarrier::Update(Rank& rank, Change change) {
  if (!rank.silent) {
    awaited_.erase(awaited_.find(rank.highest_step));
  }
  change(rank);
  if (!rank.silent) {
    awaited_.insert(rank.highest_step);
  }
}

void NodeBarrier::Connect(uint32_t rank, int64_t reported_through) {
  const auto [position, is_new] = ranks_.try_emplace(rank, Rank{reported_through});
  if (is_new) {
    awaited_.insert(reported_through);
    return;
  }
  Update(position->second, [&](Rank& r) {
    r.highest_step = std::max(r.highest_step, reported_through);
    r.silent = false;
  });
}

NodeBarrier::Steps NodeBarrier::Disconnect(uint32_t rank, absl::Time now) {
  const auto found = ranks_.find(rank);
  if (found == ranks_.end()) {
    return {};
  }
  const auto newest = std::find_if(open_.rbegin(), open_.rend(), [&](const auto& entry) {
    return entry.second.members.count(rank) > 0;
  });
  Steps steps;
  if (newest != open_.rend()) {
    steps = TakeThrough(newest->first);
  }
  Update(found->second, [](Rank& r) { r.silent = true; });
  ranks_.erase(found);
  for (NodeStep& step : TakeDue(now)) {
    steps.push_back(std::move(step));
  }
  return steps;
}

void NodeBarrier::Pause(uint32_t rank, absl::Time until) {
  if (const auto found = ranks_.find(rank); found != ranks_.end()) {
    found->second.paused_until = until;
  }
}

absl::StatusOr<NodeBarrier::Steps> NodeBarrier::Report(v1::MemberReport member, StepReport report,
                                                       absl::Time now) {
  const int64_t step = report.step;
  if (step < 0 || step >= kMaxStep) {
    // The supervisor refuses it. The barrier would take all other steps for late ones.
    Steps refused;
    refused.push_back({.members = {std::move(member)}, .sum = std::move(report)});
    return refused;
  }
  if (const auto open = open_.find(step); open != open_.end()) {
    const auto before = open->second.members.find(member.rank());
    if (before != open->second.members.end()) {
      if (before->second.digest() != member.digest()) {
        return absl::AlreadyExistsError(
            absl::StrCat("step ", step, " of rank ", member.rank(),
                         " was reported before with other losses; the first count"));
      }
      // Its losses are there, but what it says besides may be new.
      if (!member.has_outcome() && before->second.has_outcome()) {
        member.mutable_outcome()->Swap(before->second.mutable_outcome());
      }
      before->second = std::move(member);
      return Steps();
    }
  }
  const auto rank = ranks_.find(member.rank());
  Steps steps;
  if (IsTooMuch(report)) {
    // The supervisor takes the step as it is, and refuses this report, or what comes later.
    steps = TakeThrough(step);
  }
  const bool alone = step <= std::max(rank->second.highest_step, passed_through_);
  Update(rank->second, [&](Rank& r) {
    r.highest_step = std::max(r.highest_step, step);
    r.silent = false;
    r.paused_until = absl::InfinitePast();
  });
  if (alone) {
    steps.push_back({.members = {std::move(member)}, .sum = std::move(report)});
  } else {
    Add(std::move(member), std::move(report), now);
  }
  while (open_.size() > static_cast<size_t>(kMaxOpenSteps) || open_examples_ > kMaxOpenExamples) {
    steps.push_back(TakeOldest());
  }
  for (NodeStep& due : TakeDue(now)) {
    steps.push_back(std::move(due));
  }
  return steps;
}

// Its step would hold more than the supervisor takes of one.
bool NodeBarrier::IsTooMuch(const StepReport& report) const {
  const auto open = open_.find(report.step);
  return open != open_.end() &&
         open->second.sum.examples.size() + report.examples.size() > kMaxStepExamples;
}

// Into its open step.
void NodeBarrier::Add(v1::MemberReport member, StepReport report, absl::Time now) {
  const int64_t step = report.step;
  const auto [position, is_new] = open_.try_emplace(step);
  OpenStep& open = position->second;
  if (is_new) {
    open.deadline = now + wait_;
    open.sum.step = step;
  }
  open.sum.tied.Merge(report.tied);
  open.sum.losses.Merge(report.losses);
  open.sum.top.Merge(report.top);
  open.sum.examples.insert(open.sum.examples.end(), report.examples.begin(), report.examples.end());
  open_examples_ += report.examples.size();
  const uint32_t rank = member.rank();
  open.members.emplace(rank, std::move(member));
}

NodeBarrier::Steps NodeBarrier::Tick(absl::Time now) { return TakeDue(now); }

absl::Time NodeBarrier::NextDeadline() const {
  return open_.empty() ? absl::InfiniteFuture()
                       : Deadline(open_.begin()->first, open_.begin()->second);
}

NodeBarrier::Steps NodeBarrier::Flush() {
  Steps steps;
  while (!open_.empty()) {
    steps.push_back(TakeOldest());
  }
  return steps;
}

NodeBarrier::Steps NodeBarrier::TakeDue(absl::Time now) {
  Steps steps;
  while (!open_.empty()) {
    const auto& [step, open] = *open_.begin();
    if (!IsComplete(step)) {
      if (now < Deadline(step, open)) {
        break;
      }
      for (auto& [number, rank] : ranks_) {
        if (!rank.silent && rank.highest_step < step) {
          Update(rank, [](Rank& r) { r.silent = true; });
        }
      }
    }
    steps.push_back(TakeOldest());
  }
  return steps;
}

// A rank that has said how long it will be silent is waited for until then.
absl::Time NodeBarrier::Deadline(int64_t step, const OpenStep& open) const {
  absl::Time deadline = open.deadline;
  for (const auto& [number, rank] : ranks_) {
    if (!rank.silent && rank.highest_step < step) {
      deadline = std::max(deadline, rank.paused_until);
    }
  }
  return deadline;
}

NodeBarrier::Steps NodeBarrier::TakeThrough(int64_t step) {
  Steps steps;
  while (!open_.empty() && open_.begin()->first <= step) {
    steps.push_back(TakeOldest());
  }
  return steps;
}

NodeStep NodeBarrier::TakeOldest() {
  auto oldest = open_.extract(open_.begin());
  passed_through_ = std::max(passed_through_, oldest.key());
  NodeStep step = {.sum = std::move(oldest.mapped().sum)};
  open_examples_ -= step.sum.examples.size();
  for (auto& [rank, member] : oldest.mapped().members) {
    step.members.push_back(std::move(member));
  }
  return step;
}

}  // namespace lehr
