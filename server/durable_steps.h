// Up to which step the decisions of a generation survive a crash.
//
// Decisions become durable in the order in which they were appended, and that is not always the
// order of their steps: a step that was passed by, or that a rank brings back, comes late.
//
// Not thread-safe. Memory: one entry for each decision that is not durable yet.
#ifndef LEHR_SERVER_DURABLE_STEPS_H_
#define LEHR_SERVER_DURABLE_STEPS_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <set>
#include <utility>

namespace lehr {

class DurableSteps {
 public:
  // All decisions up to `through` are durable.
  explicit DurableSteps(int64_t through) : newest_(through) {}

  // The store's record `sequence` holds the decision about `step`, which has no other one.
  void Append(uint64_t sequence, int64_t step) {
    waiting_.emplace_back(sequence, step);
    waiting_steps_.insert(step);
  }
  // The store's records up to `sequence` are durable.
  void Advance(uint64_t sequence) {
    while (!waiting_.empty() && waiting_.front().first <= sequence) {
      newest_ = std::max(newest_, waiting_.front().second);
      waiting_steps_.erase(waiting_.front().second);
      waiting_.pop_front();
    }
  }

  // No decision up to this step waits for the disk.
  int64_t through() const {
    return waiting_steps_.empty() ? newest_ : std::min(newest_, *waiting_steps_.begin() - 1);
  }

 private:
  // The newest step that is durable.
  int64_t newest_;
  // (sequence, step), in the order of both appending and becoming durable.
  std::deque<std::pair<uint64_t, int64_t>> waiting_;
  std::set<int64_t> waiting_steps_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_DURABLE_STEPS_H_
