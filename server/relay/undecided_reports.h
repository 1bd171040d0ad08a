// What each rank of a node has reported of the steps that have no decision yet, as it would go up
// by itself.
//
// The supervisor cannot take a sum apart: if one of its ranks is counted already, because it has
// found another way to the supervisor before its sidecar noticed, the whole sum is refused. Then
// each rank's own losses are sent again alone, so that it stands for itself.
//
// Not thread-safe. Memory: kMaxUndecidedBytes; beyond it the oldest steps are forgotten.
#ifndef LEHR_SERVER_RELAY_UNDECIDED_REPORTS_H_
#define LEHR_SERVER_RELAY_UNDECIDED_REPORTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "lehr/v1/supervisor.pb.h"

namespace lehr {

// Scope dataset: 12 bytes a loss.
inline constexpr size_t kMaxUndecidedBytes = size_t{128} << 20;

class UndecidedReports {
 public:
  explicit UndecidedReports(size_t max_bytes = kMaxUndecidedBytes) : max_bytes_(max_bytes) {}

  // The rank has reported the step: `alone` is its report, in pieces. The first one counts.
  void Keep(uint32_t rank, int64_t step, std::vector<v1::NodeReport> alone);
  // The rank's report has gone up in a sum.
  void SentInSum(uint32_t rank, int64_t step);
  // The supervisor has refused the rank's report. If that went up in a sum, this is what is to be
  // sent in its place; empty: the refusal is for the rank itself.
  std::vector<v1::NodeReport> TakeRefused(uint32_t rank, int64_t step);
  // Steps have their decisions in order.
  void Decided(int64_t step);

 private:
  struct Own {
    std::vector<v1::NodeReport> alone;
    size_t bytes = 0;
    bool in_sum = false;
  };

  Own* Find(uint32_t rank, int64_t step);
  void ForgetOldest();

  const size_t max_bytes_;
  size_t bytes_ = 0;
  std::map<int64_t, std::map<uint32_t, Own>> steps_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_RELAY_UNDECIDED_REPORTS_H_
