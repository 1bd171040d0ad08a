// What a client tells its user: one line when something changes, and no floods.
//
// Note collects and may be called under any lock; Tell hands the lines to the sink and must be
// called with none held, since the sink is the user's. Thread-safe.
#ifndef LEHR_CLIENT_EVENT_LOG_H_
#define LEHR_CLIENT_EVENT_LOG_H_

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace lehr {

class EventLog {
 public:
  // Lines go to stderr if `sink` is empty.
  explicit EventLog(std::function<void(std::string_view)> sink);

  void Note(std::string line);
  // Nothing if the same `event` was noted before and not forgotten since.
  void NoteOnce(const std::string& event, std::string line);
  void Forget(const std::string& event);

  void Tell();

 private:
  const std::function<void(std::string_view)> sink_;
  absl::Mutex sink_mutex_;

  absl::Mutex mutex_;
  std::vector<std::string> untold_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> noted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lehr

#endif  // LEHR_CLIENT_EVENT_LOG_H_
