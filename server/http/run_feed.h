// One run as server-sent events, for one client:
//
//   run        a GetRunResponse, first and when it has changed
//   decisions  a GetHistoryResponse of the decisions since the event before, oldest first, at most
//              kMaxFeedDecisions, the newest of them; what became of a command is not known yet,
//              and `run` and the history tell it
//   gone       the run is over, and so is the stream
//
// At most four of each a second. A client that reads too slowly misses older decisions; steps tell.
#ifndef LEHR_SERVER_HTTP_RUN_FEED_H_
#define LEHR_SERVER_HTTP_RUN_FEED_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/http/event_stream.h"
#include "server/http/http_message.h"
#include "server/supervisor.h"

namespace lehr {

inline constexpr size_t kMaxFeedDecisions = 256;
inline constexpr absl::Duration kRunFeedInterval = absl::Milliseconds(250);

class RunFeed {
 public:
  // Errors: those of Supervisor::Watch. The streams outlive the feed.
  static absl::StatusOr<std::shared_ptr<RunFeed>> Open(Supervisor& supervisor,
                                                       const std::string& run_id,
                                                       const EventStreams& streams);
  ~RunFeed();
  RunFeed(const RunFeed&) = delete;
  RunFeed& operator=(const RunFeed&) = delete;

  // Writes the events until the run is over, the client is gone or the streams are to stop.
  void Run(const HttpWriter& write);

 private:
  RunFeed(std::shared_ptr<RunHost> run, std::shared_ptr<WatchOutbox> outbox,
          const EventStreams& streams);

  // What has happened since the last call, as text; over_ if nothing will.
  std::string Take();

  const std::shared_ptr<RunHost> run_;
  const std::shared_ptr<WatchOutbox> outbox_;
  const EventStreams& streams_;
  // What was told of the run.
  uint64_t revision_ = 0;
  bool over_ = false;
};

}  // namespace lehr

#endif  // LEHR_SERVER_HTTP_RUN_FEED_H_
