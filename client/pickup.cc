#include "client/pickup.h"

namespace lehr {

void Pickup::Wait(absl::Mutex* mutex) {
  if (idle_pickups_ < kIdlePickups) {
    ++idle_pickups_;
    bell_.WaitWithTimeout(mutex, kPickupInterval);
    return;
  }
  asleep_ = true;
  bell_.Wait(mutex);
  asleep_ = false;
}

}  // namespace lehr
