#include "server/core/membership.h"

#include <algorithm>
#include <limits>

namespace lehr {
namespace {

bool IsAwaited(const Membership::Rank& rank) { return !rank.left && !rank.silent; }

}  // namespace

Membership::Membership(uint32_t world_size, int64_t reported_through)
    : ranks_(world_size, Rank{.highest_step = reported_through}) {
  awaited_at_[reported_through] = world_size;
}

template <typename Change>
void Membership::Update(uint32_t index, Change change) {
  Rank& rank = ranks_[index];
  if (IsAwaited(rank)) {
    const auto at = awaited_at_.find(rank.highest_step);
    if (--at->second == 0) {
      awaited_at_.erase(at);
    }
  }
  joined_ -= rank.joined;
  connected_ -= rank.connected;
  left_ -= rank.left;
  without_agree_ -= rank.joined && !rank.can_agree;
  change(rank);
  joined_ += rank.joined;
  connected_ += rank.connected;
  left_ += rank.left;
  without_agree_ += rank.joined && !rank.can_agree;
  if (IsAwaited(rank)) {
    ++awaited_at_[rank.highest_step];
  }
}

void Membership::Connect(uint32_t rank, const std::string& process, bool can_agree) {
  Update(rank, [&](Rank& r) {
    r.joined = true;
    r.connected = true;
    r.left = false;
    r.can_agree = can_agree;
    r.process = process;
  });
}

void Membership::Disconnect(uint32_t rank) {
  Update(rank, [](Rank& r) { r.connected = false; });
}

void Membership::Leave(uint32_t rank) {
  Update(rank, [](Rank& r) { r.left = true; });
}

void Membership::Pause(uint32_t rank, absl::Time until) { ranks_[rank].paused_until = until; }

void Membership::Report(uint32_t rank, int64_t step, uint64_t digest) {
  Update(rank, [&](Rank& r) {
    r.silent = false;
    r.paused_until = absl::InfinitePast();
    if (step >= r.highest_step) {
      r.highest_step = step;
      r.newest_digest = digest;
    }
  });
}

int64_t Membership::AwaitedThrough() const {
  return awaited_at_.empty() ? std::numeric_limits<int64_t>::max() : awaited_at_.begin()->first;
}

absl::Time Membership::LongestPauseOfMissing(int64_t step) const {
  absl::Time longest = absl::InfinitePast();
  for (const Rank& rank : ranks_) {
    if (IsAwaited(rank) && rank.highest_step < step) {
      longest = std::max(longest, rank.paused_until);
    }
  }
  return longest;
}

void Membership::SilenceMissing(int64_t step) {
  for (uint32_t index = 0; index < ranks_.size(); ++index) {
    if (IsAwaited(ranks_[index]) && ranks_[index].highest_step < step) {
      Update(index, [](Rank& r) { r.silent = true; });
    }
  }
}

void Membership::SilenceAbsent() {
  for (uint32_t index = 0; index < ranks_.size(); ++index) {
    if (IsAwaited(ranks_[index]) && !ranks_[index].joined) {
      Update(index, [](Rank& r) { r.silent = true; });
    }
  }
}

}  // namespace lehr
