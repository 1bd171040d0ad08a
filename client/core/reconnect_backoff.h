// How long to wait before the next attempt to reach a supervisor: twice as long after each failure,
// with jitter, so that the ranks of a job do not all come back in the same instant.
//
//   ReconnectBackoff backoff(/*seed=*/process_nonce);
//   while (!TryToConnect()) WaitFor(backoff.Next());
//   backoff.Reset();
//
// Pure and deterministic in its seed. Not thread-safe.
#ifndef LEHR_CLIENT_CORE_RECONNECT_BACKOFF_H_
#define LEHR_CLIENT_CORE_RECONNECT_BACKOFF_H_

#include <cstdint>

#include "absl/time/time.h"

namespace lehr {

inline constexpr absl::Duration kFirstReconnectDelay = absl::Milliseconds(50);
inline constexpr absl::Duration kLongestReconnectDelay = absl::Seconds(30);

class ReconnectBackoff {
 public:
  explicit ReconnectBackoff(uint64_t seed) : random_state_(seed) {}

  // Uniform in [d/2, d), where d starts at kFirstReconnectDelay and doubles with each call up to
  // kLongestReconnectDelay.
  absl::Duration Next();
  // The supervisor works: the next failure starts with the first delay again.
  void Reset() { ceiling_ = kFirstReconnectDelay; }
  // The supervisor said not to come back at once: the next delay is of the longest kind.
  void Raise() { ceiling_ = kLongestReconnectDelay; }

 private:
  absl::Duration ceiling_ = kFirstReconnectDelay;
  uint64_t random_state_;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_RECONNECT_BACKOFF_H_
