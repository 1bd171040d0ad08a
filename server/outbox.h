// The responses that wait for one gRPC stream: written by whoever has something to say, emptied by
// the stream's reactor, which may have only one write in flight.
//
// Thread-safe. Bounded: what happens when a peer reads too slowly is the owner's choice.
#ifndef LEHR_SERVER_OUTBOX_H_
#define LEHR_SERVER_OUTBOX_H_

#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <variant>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace lehr {

// Responses that may wait. A rank has at most a few decisions outstanding.
inline constexpr size_t kOutboxCapacity = 4096;

enum class OutboxOverflow {
  // The stream ends with RESOURCE_EXHAUSTED: a rank must not miss a decision without knowing it.
  kClose,
  // The oldest is dropped: a watcher wants the newest.
  kDropOldest,
};

template <typename Response>
class Outbox {
 public:
  explicit Outbox(OutboxOverflow overflow, size_t capacity = kOutboxCapacity)
      : overflow_(overflow), capacity_(capacity) {}

  void Send(Response response) ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      absl::MutexLock lock(&mutex_);
      if (end_) {
        return;
      }
      if (waiting_.size() >= capacity_) {
        if (overflow_ == OutboxOverflow::kClose) {
          end_ = absl::ResourceExhaustedError("the rank reads too slowly");
        } else {
          waiting_.pop_front();
        }
      }
      waiting_.push_back(std::move(response));
    }
    Wake();
  }

  // The stream ends with `status` once everything before is written. The first call counts.
  void Close(absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      absl::MutexLock lock(&mutex_);
      if (end_) {
        return;
      }
      end_ = std::move(status);
    }
    Wake();
  }

  // The next response; the status if there is none and never will be; nothing if there is none yet.
  using Next = std::variant<std::monostate, Response, absl::Status>;
  Next Take() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (!waiting_.empty()) {
      Next next = std::move(waiting_.front());
      waiting_.pop_front();
      return next;
    }
    return end_ ? Next(*end_) : Next();
  }

  // `wake` is called after each change, until it is replaced. Null: the reader is gone.
  void OnChange(std::function<void()> wake) ABSL_LOCKS_EXCLUDED(wake_mutex_) {
    absl::MutexLock lock(&wake_mutex_);
    wake_ = std::move(wake);
  }

 private:
  void Wake() ABSL_LOCKS_EXCLUDED(wake_mutex_) {
    absl::MutexLock lock(&wake_mutex_);
    if (wake_) {
      wake_();
    }
  }

  const OutboxOverflow overflow_;
  const size_t capacity_;
  absl::Mutex mutex_;
  std::deque<Response> waiting_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
  // Held while wake_ runs, so that a reader that has taken it back is never called again.
  absl::Mutex wake_mutex_;
  std::function<void()> wake_ ABSL_GUARDED_BY(wake_mutex_);
};

}  // namespace lehr

#endif  // LEHR_SERVER_OUTBOX_H_
