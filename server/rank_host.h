// What a rank's stream speaks to: the supervisor's runs, or a sidecar that passes it all on.
//
// Thread-safe; no call waits for the network.
#ifndef LEHR_SERVER_RANK_HOST_H_
#define LEHR_SERVER_RANK_HOST_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "lehr/v1/supervisor.pb.h"
#include "server/rank_outbox.h"

namespace lehr {

// The place that a Join gave to a rank's stream, until Disconnected. Answers go to its sink.
class HostedRank {
 public:
  virtual ~HostedRank() = default;

  // A report or a piece of one.
  virtual void Report(const v1::Report& piece, absl::Time now) = 0;
  virtual void Pause(const v1::Pause& pause, absl::Time now) = 0;
  virtual void Checkpointed(int64_t step) = 0;
  virtual void Leave(const v1::Leave& leave, absl::Time now) = 0;
  // The stream has ended; the last call.
  virtual void Disconnected(absl::Time now) = 0;
};

class RankHost {
 public:
  virtual ~RankHost() = default;

  // Welcome goes to `sink`, now or later. An error, here or by sink->Close, ends the stream.
  virtual absl::StatusOr<std::unique_ptr<HostedRank>> Join(const v1::Join& join,
                                                           std::shared_ptr<RankSink> sink,
                                                           absl::Time now) = 0;
};

}  // namespace lehr

#endif  // LEHR_SERVER_RANK_HOST_H_
