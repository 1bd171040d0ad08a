// A thread that calls when it is time: whoever has a deadline asks for a tick at it.
//
//   TickClock clock([&] { for (auto& run : runs) run->Tick(absl::Now()); });
//   clock.WakeAt(deadline);
//
// Thread-safe. Before each tick all wishes are forgotten: each asks again for what it still needs.
#ifndef LEHR_SERVER_TICK_CLOCK_H_
#define LEHR_SERVER_TICK_CLOCK_H_

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace lehr {

class TickClock {
 public:
  explicit TickClock(std::function<void()> tick);
  // Waits for a tick that is running.
  ~TickClock();
  TickClock(const TickClock&) = delete;
  TickClock& operator=(const TickClock&) = delete;

  // Asks for a tick at or after `time`.
  void WakeAt(absl::Time time) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);

  const std::function<void()> tick_;
  absl::Mutex mutex_;
  absl::CondVar changed_;
  absl::Time next_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_TICK_CLOCK_H_
