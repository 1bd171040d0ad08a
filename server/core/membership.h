// The ranks of one generation: who has joined, who is connected, and whom a step still waits for.
//
// A pure state machine, not thread-safe. A rank is *awaited* unless it has left or fallen silent;
// it falls silent when a step closes without it, and is awaited again once it reports.
#ifndef LEHR_SERVER_CORE_MEMBERSHIP_H_
#define LEHR_SERVER_CORE_MEMBERSHIP_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace lehr {

class Membership {
 public:
  struct Rank {
    bool joined = false;
    bool connected = false;
    bool left = false;
    bool silent = false;
    bool can_agree = false;
    bool knows_noise = false;
    // The process that holds the rank.
    std::string process;
    // The newest step that it reported.
    int64_t highest_step;
    // Of its report at highest_step.
    uint64_t newest_digest = 0;
    absl::Time paused_until = absl::InfinitePast();
    // How many it can hold, and those that it holds, as its newest report says.
    uint32_t snapshot_capacity = 0;
    std::vector<uint64_t> snapshots;
    bool scales_learning_rate = false;
  };

  // No rank has reported a step beyond `reported_through`.
  Membership(uint32_t world_size, int64_t reported_through);

  // `knows_noise`: it knows the noise contract of the commands.
  void Connect(uint32_t rank, const std::string& process, bool can_agree, bool knows_noise = true);
  void Disconnect(uint32_t rank);
  void Leave(uint32_t rank);
  void Pause(uint32_t rank, absl::Time until);
  void Report(uint32_t rank, int64_t step, uint64_t digest);
  void CanHoldSnapshots(uint32_t rank, uint32_t capacity);
  void HoldSnapshots(uint32_t rank, std::vector<uint64_t> snapshots);
  void CanScaleLearningRate(uint32_t rank, bool can);

  // Every awaited rank has reported a step at or beyond this one. INT64_MAX: none is awaited.
  int64_t AwaitedThrough() const;
  // Of the awaited ranks that have not reported `step`: when the last declared pause ends.
  // InfinitePast: none has declared one.
  absl::Time LongestPauseOfMissing(int64_t step) const;
  // Those that have not reported `step` are waited for no more.
  void SilenceMissing(int64_t step);
  // Those that have not joined are waited for no more.
  void SilenceAbsent();

  // Ranks that do not hold this snapshot.
  uint32_t WithoutSnapshot(uint64_t id) const;
  // How many snapshots every rank can hold, and those that all of them hold.
  uint32_t SnapshotCapacity() const;
  std::vector<uint64_t> SnapshotsOfAll() const;
  // Whether every rank can scale its learning rate.
  bool AllScaleLearningRate() const;

  const Rank& rank(uint32_t rank) const { return ranks_[rank]; }
  uint32_t world_size() const { return static_cast<uint32_t>(ranks_.size()); }
  uint32_t joined() const { return joined_; }
  uint32_t connected() const { return connected_; }
  uint32_t left() const { return left_; }
  // Joined ranks without an agree function.
  uint32_t without_agree() const { return without_agree_; }
  // Joined ranks that do not know the noise contract of the commands.
  uint32_t without_noise() const { return without_noise_; }

 private:
  // Changes a rank, and keeps awaited_at_ true.
  template <typename Change>
  void Update(uint32_t rank, Change change);

  std::vector<Rank> ranks_;
  // How many awaited ranks have each highest step, so that no report costs O(world size).
  std::map<int64_t, uint32_t> awaited_at_;
  uint32_t joined_ = 0;
  uint32_t connected_ = 0;
  uint32_t left_ = 0;
  uint32_t without_agree_ = 0;
  uint32_t without_noise_ = 0;
};

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_MEMBERSHIP_H_
