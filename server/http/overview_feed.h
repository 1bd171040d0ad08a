// The runs and their changes as server-sent events, made once for all clients: however many there
// are, a run is looked at when it has changed, and at most twice a second.
//
//   overview  a ListOverviewResponse of the newest kMaxFeedRuns runs, first
//   changed   a ListOverviewResponse of those that have changed since the event before
//
// It has no thread: the client whose wait ends first makes the next event, and keeps none of the
// others waiting for more than that.
//
// Thread-safe.
#ifndef LEHR_SERVER_HTTP_OVERVIEW_FEED_H_
#define LEHR_SERVER_HTTP_OVERVIEW_FEED_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/http/event_stream.h"
#include "server/http/http_message.h"
#include "server/supervisor.h"

namespace lehr {

// Runs in one event. More that have changed come with the next one.
inline constexpr size_t kMaxFeedRuns = 1000;
inline constexpr absl::Duration kFeedInterval = absl::Milliseconds(500);

class OverviewFeed {
 public:
  // The supervisor and the streams outlive this.
  OverviewFeed(const Supervisor& supervisor, const EventStreams& streams)
      : supervisor_(supervisor), streams_(streams) {}

  // Writes the events until the client is gone or the streams are to stop.
  void Run(const HttpWriter& write) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Event {
    // Of the newest `changed` that it includes.
    uint64_t number = 0;
    std::shared_ptr<const std::string> text;
  };
  struct Sent {
    uint64_t revision = 0;
    // Of the event that told it.
    uint64_t number = 0;
  };

  Event Whole() ABSL_LOCKS_EXCLUDED(mutex_);
  // What follows on the event of this number: the next one, or the whole list where the client was
  // too slow. Null text: there is none yet.
  Event Next(uint64_t number) ABSL_LOCKS_EXCLUDED(mutex_);
  Event WholeLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Supervisor& supervisor_;
  const EventStreams& streams_;

  absl::Mutex mutex_;
  // What the events have told of each run, by its id.
  std::map<std::string, Sent> sent_ ABSL_GUARDED_BY(mutex_);
  bool acting_stopped_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t newest_ ABSL_GUARDED_BY(mutex_) = 0;
  // The newest ones, up to newest_.
  std::deque<std::shared_ptr<const std::string>> events_ ABSL_GUARDED_BY(mutex_);
  absl::Time made_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace lehr

#endif  // LEHR_SERVER_HTTP_OVERVIEW_FEED_H_
