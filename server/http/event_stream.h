// Server-sent events (HTML Living Standard, 9.2): the text of a stream, and what all of a server's
// streams share: how many there may be, and their end.
#ifndef LEHR_SERVER_HTTP_EVENT_STREAM_H_
#define LEHR_SERVER_HTTP_EVENT_STREAM_H_

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace lehr {

inline constexpr char kEventStreamType[] = "text/event-stream";
// A comment goes out where nothing else does for this long: only a write shows that a client is
// gone.
inline constexpr absl::Duration kHeartbeat = absl::Seconds(5);
inline constexpr std::string_view kHeartbeatText = ": alive\n\n";

// `json`: one line.
inline std::string EventText(std::string_view name, std::string_view json) {
  return absl::StrCat("event: ", absl::string_view(name.data(), name.size()),
                      "\ndata: ", absl::string_view(json.data(), json.size()), "\n\n");
}

// Thread-safe.
class EventStreams {
 public:
  explicit EventStreams(int most) : most_(most) {}

  // A place among the streams, held as long as the object lives. Null: all are taken.
  std::shared_ptr<void> Enter() {
    if (++count_ > most_) {
      --count_;
      return nullptr;
    }
    return std::shared_ptr<void>(
        this, [](void* streams) { --static_cast<EventStreams*>(streams)->count_; });
  }

  // Every stream is to end, at once and for good.
  void Stop() { stopping_.Notify(); }
  bool stopping() const { return stopping_.HasBeenNotified(); }
  // True: it is time to end.
  bool WaitForStop(absl::Duration at_most) const {
    return stopping_.WaitForNotificationWithTimeout(at_most);
  }

  int most() const { return most_; }

 private:
  const int most_;
  std::atomic<int> count_ = 0;
  absl::Notification stopping_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_HTTP_EVENT_STREAM_H_
