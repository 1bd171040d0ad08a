#include "client/pickup.h"

#include <gtest/gtest.h>

#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

namespace lehr {
namespace {

// Far beyond what waking a thread may take, on any machine.
constexpr absl::Duration kPrompt = absl::Seconds(20);

// A thread that picks up one piece of work.
class Worker {
 public:
  Worker() : thread_([this] { Work(); }) {}
  ~Worker() {
    {
      absl::MutexLock lock(&mutex_);
      work_ = true;
      pickup_.Now();
    }
    thread_.join();
  }

  // Runs with the mutex held, after `looks` looks in vain.
  template <typename Function>
  void AfterLooks(int looks, const Function& function) {
    const auto looked = [&] {
      mutex_.AssertReaderHeld();
      return looks_ == looks;
    };
    absl::MutexLock lock(&mutex_);
    ASSERT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&looked), kPrompt));
    function();
  }
  void Put() { work_ = true; }
  Pickup& pickup() { return pickup_; }

  bool IsDone() { return done_.WaitForNotificationWithTimeout(kPrompt); }

 private:
  void Work() {
    absl::MutexLock lock(&mutex_);
    while (!work_) {
      ++looks_;
      pickup_.Wait(&mutex_);
    }
    done_.Notify();
  }

  absl::Mutex mutex_;
  Pickup pickup_;
  bool work_ = false;
  int looks_ = 0;
  absl::Notification done_;
  std::thread thread_;
};

TEST(Pickup, AThreadThatHadWorkLatelyLooksByItself) {
  absl::Mutex mutex;
  Pickup pickup;
  absl::MutexLock lock(&mutex);
  for (int i = 0; i < 3 * kIdlePickups; ++i) {
    pickup.Found();
    // Returns, though nobody calls.
    pickup.Wait(&mutex);
  }
}

TEST(Pickup, SoonWakesAThreadThatSleeps) {
  Worker worker;
  worker.AfterLooks(kIdlePickups + 1, [&] {
    worker.Put();
    worker.pickup().Soon();
  });
  EXPECT_TRUE(worker.IsDone());
}

TEST(Pickup, NowWakesAThreadThatSleeps) {
  Worker worker;
  worker.AfterLooks(kIdlePickups + 1, [&] {
    worker.Put();
    worker.pickup().Now();
  });
  EXPECT_TRUE(worker.IsDone());
}

}  // namespace
}  // namespace lehr
