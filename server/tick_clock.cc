#include "server/tick_clock.h"

#include <utility>

#include "absl/time/clock.h"

namespace lehr {

TickClock::TickClock(std::function<void()> tick)
    : tick_(std::move(tick)), thread_([this] { Run(); }) {}

TickClock::~TickClock() {
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
    changed_.Signal();
  }
  thread_.join();
}

void TickClock::WakeAt(absl::Time time) {
  absl::MutexLock lock(&mutex_);
  if (time < next_) {
    next_ = time;
    changed_.Signal();
  }
}

void TickClock::Run() {
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      while (!stopped_ && absl::Now() < next_) {
        changed_.WaitWithDeadline(&mutex_, next_);
      }
      if (stopped_) {
        return;
      }
      next_ = absl::InfiniteFuture();
    }
    tick_();
  }
}

}  // namespace lehr
