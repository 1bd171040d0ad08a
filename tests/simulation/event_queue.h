// The simulated clock: what is to happen, in the order of its time. Events of one time happen in
// the order in which they were added.
#ifndef LEHR_TESTS_SIMULATION_EVENT_QUEUE_H_
#define LEHR_TESTS_SIMULATION_EVENT_QUEUE_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace lehr::simulation {

// A day in 2026: of no meaning.
inline constexpr int64_t kStartUnixSeconds = 1'780'000'000;

class EventQueue {
 public:
  using Event = std::function<void()>;

  absl::Time now() const { return now_; }
  absl::Duration elapsed() const { return now_ - absl::FromUnixSeconds(kStartUnixSeconds); }

  // Not before now.
  void At(absl::Time time, Event event) {
    entries_.push_back({std::max(time, now_), next_number_++, std::move(event)});
    std::push_heap(entries_.begin(), entries_.end(), Later);
  }
  void After(absl::Duration delay, Event event) { At(now_ + delay, std::move(event)); }

  // Makes the next event happen. False: there is none.
  bool Step() {
    if (entries_.empty()) {
      return false;
    }
    std::pop_heap(entries_.begin(), entries_.end(), Later);
    const Entry entry = std::move(entries_.back());
    entries_.pop_back();
    now_ = entry.time;
    entry.event();
    return true;
  }

 private:
  struct Entry {
    absl::Time time;
    uint64_t number;
    Event event;
  };
  static bool Later(const Entry& a, const Entry& b) {
    return std::pair(a.time, a.number) > std::pair(b.time, b.number);
  }

  absl::Time now_ = absl::FromUnixSeconds(kStartUnixSeconds);
  uint64_t next_number_ = 0;
  std::vector<Entry> entries_;  // a heap
};

}  // namespace lehr::simulation

#endif  // LEHR_TESTS_SIMULATION_EVENT_QUEUE_H_
