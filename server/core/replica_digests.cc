#include "server/core/replica_digests.h"

namespace lehr {

std::optional<ReplicaDifference> ReplicaDigests::Add(uint32_t rank, int64_t step, uint64_t digest) {
  const bool is_full = first_by_step_.size() >= kMaxDigestSteps;
  if (is_full && step < first_by_step_.begin()->first) {
    return std::nullopt;
  }
  const uint64_t shard_id = shard_of_rank_[rank];
  const auto [first, is_new] = first_by_step_[step].try_emplace(shard_id, First{rank, digest});
  const First seen = first->second;
  if (first_by_step_.size() > kMaxDigestSteps) {
    first_by_step_.erase(first_by_step_.begin());
  }
  if (is_new || seen.digest == digest) {
    return std::nullopt;
  }
  return ReplicaDifference{.step = step,
                           .shard_id = shard_id,
                           .first_rank = seen.rank,
                           .rank = rank,
                           .first_digest = seen.digest,
                           .digest = digest};
}

}  // namespace lehr
