#include "server/journal/group_commit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "tests/server/journal/journal_testing.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Entries that can be told apart.
JournalEntry Entry(uint64_t number) { return EpochEntry{.above = number}; }

// Takes down what is committed. Commits wait while the gate is closed.
class GroupCommitTest : public testing::Test {
 protected:
  std::unique_ptr<GroupCommit> Make(absl::Duration interval, size_t max_pending = 1000) {
    return std::make_unique<GroupCommit>(GroupCommit::Options{
        .interval = interval,
        .max_pending = max_pending,
        .last_sequence = 100,
        .commit = [this](absl::Span<const JournalEntry> entries) { return Commit(entries); },
        .on_durable =
            [this](uint64_t sequence) {
              absl::MutexLock lock(&mutex_);
              durable_.push_back(sequence);
            },
        .on_failure =
            [this](const absl::Status& error) {
              absl::MutexLock lock(&mutex_);
              failures_.push_back(error);
            },
    });
  }

  absl::Status Commit(absl::Span<const JournalEntry> entries) {
    absl::MutexLock lock(&mutex_);
    std::vector<uint64_t>& group = groups_.emplace_back();
    for (const JournalEntry& entry : entries) {
      group.push_back(std::get<EpochEntry>(entry).above);
    }
    mutex_.Await(absl::Condition(&open_));
    return result_;
  }

  void CloseGate() {
    absl::MutexLock lock(&mutex_);
    open_ = false;
  }
  void OpenGate() {
    absl::MutexLock lock(&mutex_);
    open_ = true;
  }
  void AwaitGroups(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto reached = [&] { return groups_.size() >= count; };
    mutex_.Await(absl::Condition(&reached));
  }

  absl::Mutex mutex_;
  bool open_ = true;
  absl::Status result_;
  std::vector<std::vector<uint64_t>> groups_;
  std::vector<uint64_t> durable_;
  std::vector<absl::Status> failures_;
};

TEST_F(GroupCommitTest, FlushCommitsWhatWaitsAsOneGroupInOrder) {
  auto commits = Make(absl::InfiniteDuration());
  EXPECT_EQ(commits->durable(), 100);
  EXPECT_EQ(commits->Append(Entry(1)), 101);
  EXPECT_EQ(commits->Append(Entry(2)), 102);
  LEHR_ASSERT_OK(commits->Flush(Soon()));
  EXPECT_EQ(commits->durable(), 102);
  commits.reset();
  EXPECT_THAT(groups_, ElementsAre(ElementsAre(1, 2)));
  EXPECT_THAT(durable_, ElementsAre(102));
}

TEST_F(GroupCommitTest, FlushOfNothingReturnsAtOnce) {
  auto commits = Make(absl::InfiniteDuration());
  LEHR_ASSERT_OK(commits->Flush(absl::InfinitePast()));
  commits.reset();
  EXPECT_THAT(groups_, IsEmpty());
}

TEST_F(GroupCommitTest, CommitsByItselfWithinTheInterval) {
  auto commits = Make(absl::Milliseconds(1));
  commits->Append(Entry(1));
  AwaitGroups(1);
  EXPECT_THAT(groups_, ElementsAre(ElementsAre(1)));
}

// Half, so that the other half can be appended while the first one is written.
TEST_F(GroupCommitTest, CommitsByItselfWhenHalfOfTheRoomIsTaken) {
  auto commits = Make(absl::InfiniteDuration(), /*max_pending=*/4);
  commits->Append(Entry(1));
  commits->Append(Entry(2));
  AwaitGroups(1);
  EXPECT_THAT(groups_, ElementsAre(ElementsAre(1, 2)));
}

TEST_F(GroupCommitTest, AppendWaitsForRoom) {
  const size_t max_pending = 4;
  auto commits = Make(absl::InfiniteDuration(), max_pending);
  CloseGate();
  size_t appended = 0;
  std::thread appender([&] {
    for (uint64_t number = 0; number < 1000; ++number) {
      const uint64_t sequence = commits->Append(Entry(number));
      ASSERT_LE(sequence - commits->durable(), max_pending);
      absl::MutexLock lock(&mutex_);
      ++appended;
    }
  });
  {
    // Fewer would be a bound that is too tight.
    absl::MutexLock lock(&mutex_);
    const auto full = [&] { return appended == max_pending; };
    mutex_.Await(absl::Condition(&full));
  }
  OpenGate();
  appender.join();
  LEHR_ASSERT_OK(commits->Flush(Soon()));
  EXPECT_EQ(commits->durable(), 1100);
}

TEST_F(GroupCommitTest, NumbersAreInTheOrderOfTheEntries) {
  auto commits = Make(absl::ZeroDuration(), /*max_pending=*/64);
  std::vector<std::thread> appenders;
  absl::Mutex mutex;
  std::vector<std::pair<uint64_t, uint64_t>> expected;  // sequence, number
  for (uint64_t thread = 0; thread < 4; ++thread) {
    appenders.emplace_back([&, thread] {
      for (uint64_t i = 0; i < 500; ++i) {
        const uint64_t number = thread * 1000 + i;
        const uint64_t sequence = commits->Append(Entry(number));
        absl::MutexLock lock(&mutex);
        expected.emplace_back(sequence, number);
      }
    });
  }
  for (std::thread& appender : appenders) {
    appender.join();
  }
  LEHR_ASSERT_OK(commits->Flush(Soon()));
  commits.reset();
  std::vector<std::pair<uint64_t, uint64_t>> committed;
  for (const auto& group : groups_) {
    for (const uint64_t number : group) {
      committed.emplace_back(101 + committed.size(), number);
    }
  }
  EXPECT_THAT(committed, testing::UnorderedElementsAreArray(expected));
}

TEST_F(GroupCommitTest, FlushGivesUpAtItsDeadline) {
  auto commits = Make(absl::InfiniteDuration());
  CloseGate();
  commits->Append(Entry(1));
  EXPECT_EQ(commits->Flush(absl::Now()).code(), absl::StatusCode::kDeadlineExceeded);
  OpenGate();
  LEHR_ASSERT_OK(commits->Flush(Soon()));
}

TEST_F(GroupCommitTest, FirstErrorEndsIt) {
  auto commits = Make(absl::InfiniteDuration());
  commits->Append(Entry(1));
  LEHR_ASSERT_OK(commits->Flush(Soon()));
  result_ = absl::UnavailableError("the disk is gone");
  commits->Append(Entry(2));
  EXPECT_EQ(commits->Flush(Soon()), result_);
  commits->Append(Entry(3));
  EXPECT_EQ(commits->Flush(Soon()), result_);
  EXPECT_EQ(commits->durable(), 101);
  commits.reset();
  EXPECT_THAT(groups_, ElementsAre(ElementsAre(1), ElementsAre(2)));
  EXPECT_THAT(failures_, ElementsAre(result_));
  EXPECT_THAT(durable_, ElementsAre(101));
}

TEST_F(GroupCommitTest, AnErrorReleasesWhoWaitsForRoom) {
  result_ = absl::UnavailableError("the disk is gone");
  CloseGate();
  auto commits = Make(absl::InfiniteDuration(), /*max_pending=*/1);
  commits->Append(Entry(1));
  AwaitGroups(1);
  std::thread appender([&] { commits->Append(Entry(2)); });
  OpenGate();
  appender.join();
  commits.reset();
  EXPECT_THAT(groups_, SizeIs(1));
}

TEST_F(GroupCommitTest, StopDropsWhatWaits) {
  auto commits = Make(absl::InfiniteDuration());
  commits->Append(Entry(1));
  commits->Stop();
  EXPECT_EQ(commits->Flush(Soon()).code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(groups_, IsEmpty());
}

}  // namespace
}  // namespace lehr
