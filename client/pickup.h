// How a thread that picks up work learns that there is some, at next to no cost for those who bring
// it often.
//
// To wake a thread is a system call and an interrupt of another core, which in a virtual machine is
// more than a training step of a millisecond may lose. So a thread that had work
// lately comes back by itself every kPickupInterval. Only after kIdlePickups in vain does it sleep
// until it is woken: a step that takes longer than all of them does not feel it.
//
// All calls are made under the mutex that guards the work.
#ifndef LEHR_CLIENT_PICKUP_H_
#define LEHR_CLIENT_PICKUP_H_

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace lehr {

inline constexpr absl::Duration kPickupInterval = absl::Microseconds(200);
inline constexpr int kIdlePickups = 25;

class Pickup {
 public:
  // ---- Whoever brings work.

  // It may lie for kPickupInterval.
  void Soon() {
    if (asleep_) {
      bell_.Signal();
    }
  }
  // Somebody waits for it.
  void Now() { bell_.Signal(); }

  // ---- The thread that picks it up.

  // Waits until there may be work, or none: look.
  void Wait(absl::Mutex* mutex);
  // There was some.
  void Found() { idle_pickups_ = 0; }

 private:
  absl::CondVar bell_;
  bool asleep_ = false;
  int idle_pickups_ = 0;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_PICKUP_H_
