// The near side of one rank's stream, without gRPC: what each message of the rank leads to. Answers
// go to the outbox.
//
// One message at a time: not thread-safe, but for the outbox.
#ifndef LEHR_SERVER_RANK_STREAM_H_
#define LEHR_SERVER_RANK_STREAM_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "lehr/v1/supervisor.pb.h"
#include "server/rank_host.h"
#include "server/rank_outbox.h"

namespace lehr {

class RankStream {
 public:
  // `host` outlives it.
  RankStream(RankHost& host, std::shared_ptr<RankOutbox> outbox)
      : host_(host), outbox_(std::move(outbox)) {}

  // A fault of protocol closes the outbox. False: it did, and nothing more is to be read.
  bool Take(const v1::SuperviseRequest& request, absl::Time now);
  // Nothing more comes from the rank: it has half-closed, or its stream is broken.
  void ReadingEnded();
  // The stream is gone.
  void Ended(absl::Time now);

 private:
  absl::Status Handle(const v1::SuperviseRequest& request, absl::Time now);
  absl::Status HandleJoin(const v1::Join& join, absl::Time now);

  RankHost& host_;
  const std::shared_ptr<RankOutbox> outbox_;
  // Null until Join.
  std::unique_ptr<HostedRank> rank_;
  bool left_ = false;
};

}  // namespace lehr

#endif  // LEHR_SERVER_RANK_STREAM_H_
