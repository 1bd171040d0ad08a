// Compares what ranks say of their parameters, so that replicas that have drifted apart are seen.
//
// Ranks of equal shard_id hold equal parameters, and so report equal digests (section 11 of
// proto/lehr/v1/NOISE.md) about the same step. The newest kMaxDigestSteps steps are compared; older
// digests are not looked at. Not thread-safe. Memory: one entry a shard and step.
#ifndef LEHR_SERVER_CORE_REPLICA_DIGESTS_H_
#define LEHR_SERVER_CORE_REPLICA_DIGESTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace lehr {

// Steps whose digests are kept. Ranks that are further apart than this are not compared.
inline constexpr size_t kMaxDigestSteps = 64;

// Two replicas held different parameters before the forward pass of `step`.
struct ReplicaDifference {
  int64_t step = 0;
  uint64_t shard_id = 0;
  // The one that said so first, and the one that differs from it.
  uint32_t first_rank = 0;
  uint32_t rank = 0;
  uint64_t first_digest = 0;
  uint64_t digest = 0;
};

class ReplicaDigests {
 public:
  explicit ReplicaDigests(uint32_t world_size) : shard_of_rank_(world_size, 0) {}

  // Which parameters `rank` holds, as its Join says.
  void SetShard(uint32_t rank, uint64_t shard_id) { shard_of_rank_[rank] = shard_id; }

  // The digest that `rank` reported about `step`. A difference, if there is one, from the first
  // rank of its shard; which of the two is at fault, nobody can tell.
  std::optional<ReplicaDifference> Add(uint32_t rank, int64_t step, uint64_t digest);

 private:
  struct First {
    uint32_t rank;
    uint64_t digest;
  };

  std::vector<uint64_t> shard_of_rank_;
  // Step to shard to the first digest that came.
  std::map<int64_t, std::map<uint64_t, First>> first_by_step_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_REPLICA_DIGESTS_H_
