// Ranks whose streams end here, each with its place in its run.
#ifndef LEHR_SERVER_SUPERVISED_RANKS_H_
#define LEHR_SERVER_SUPERVISED_RANKS_H_

#include <memory>

#include "server/metrics.h"
#include "server/rank_host.h"
#include "server/run_table.h"

namespace lehr {

class SupervisedRanks final : public RankHost {
 public:
  // Both outlive it and its ranks.
  SupervisedRanks(RunTable& runs, Metrics& metrics) : runs_(runs), metrics_(metrics) {}

  absl::StatusOr<std::unique_ptr<HostedRank>> Join(const v1::Join& join,
                                                   std::shared_ptr<RankSink> sink,
                                                   absl::Time now) override;

 private:
  RunTable& runs_;
  Metrics& metrics_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_SUPERVISED_RANKS_H_
