#include "server/core/membership.h"

#include <algorithm>
#include <limits>
#include <utility>

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
  without_noise_ -= rank.joined && !rank.knows_noise;
  change(rank);
  joined_ += rank.joined;
  connected_ += rank.connected;
  left_ += rank.left;
  without_agree_ += rank.joined && !rank.can_agree;
  without_noise_ += rank.joined && !rank.knows_noise;
  if (IsAwaited(rank)) {
    ++awaited_at_[rank.highest_step];
  }
}

void Membership::Connect(uint32_t rank, const std::string& process, bool can_agree,
                         bool knows_noise) {
  Update(rank, [&](Rank& r) {
    if (r.process != process) {
      r.snapshots.clear();
    }
    r.joined = true;
    r.connected = true;
    r.left = false;
    r.can_agree = can_agree;
    r.knows_noise = knows_noise;
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

void Membership::CanHoldSnapshots(uint32_t rank, uint32_t capacity) {
  ranks_[rank].snapshot_capacity = capacity;
}

void Membership::HoldSnapshots(uint32_t rank, std::vector<uint64_t> snapshots) {
  ranks_[rank].snapshots = std::move(snapshots);
}

void Membership::CanScaleLearningRate(uint32_t rank, bool can) {
  ranks_[rank].scales_learning_rate = can;
}

uint32_t Membership::WithoutSnapshot(uint64_t id) const {
  return static_cast<uint32_t>(std::count_if(ranks_.begin(), ranks_.end(), [&](const Rank& rank) {
    return std::find(rank.snapshots.begin(), rank.snapshots.end(), id) == rank.snapshots.end();
  }));
}

uint32_t Membership::SnapshotCapacity() const {
  const auto least = std::min_element(
      ranks_.begin(), ranks_.end(),
      [](const Rank& a, const Rank& b) { return a.snapshot_capacity < b.snapshot_capacity; });
  return least == ranks_.end() ? 0 : least->snapshot_capacity;
}

std::vector<uint64_t> Membership::SnapshotsOfAll() const {
  std::vector<uint64_t> shared;
  if (!ranks_.empty()) {
    for (const uint64_t id : ranks_.front().snapshots) {
      if (WithoutSnapshot(id) == 0) {
        shared.push_back(id);
      }
    }
  }
  return shared;
}

bool Membership::AllScaleLearningRate() const {
  return std::all_of(ranks_.begin(), ranks_.end(),
                     [](const Rank& rank) { return rank.scales_learning_rate; });
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
