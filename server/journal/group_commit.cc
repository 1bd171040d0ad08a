#include "server/journal/group_commit.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace lehr {

GroupCommit::GroupCommit(Options options)
    : options_(std::move(options)),
      appended_(options_.last_sequence),
      durable_(options_.last_sequence),
      thread_([this] { Run(); }) {}

GroupCommit::~GroupCommit() { Stop(); }

uint64_t GroupCommit::Append(JournalEntry entry) {
  absl::MutexLock lock(&mutex_);
  const auto has_room = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return Ended() || waiting_.size() + being_written_ < options_.max_pending;
  };
  mutex_.Await(absl::Condition(&has_room));
  ++appended_;
  if (!Ended()) {
    if (waiting_.empty()) {
      waiting_since_ = absl::Now();
    }
    waiting_.push_back(std::move(entry));
  }
  return appended_;
}

uint64_t GroupCommit::durable() const {
  absl::MutexLock lock(&mutex_);
  return durable_;
}

absl::Status GroupCommit::Flush(absl::Time deadline) {
  absl::MutexLock lock(&mutex_);
  const uint64_t target = appended_;
  flush_through_ = target;
  const auto done = [this, target]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return Ended() || durable_ >= target;
  };
  const bool in_time = mutex_.AwaitWithDeadline(absl::Condition(&done), deadline);
  if (durable_ >= target) {
    return absl::OkStatus();
  }
  if (!in_time) {
    return absl::DeadlineExceededError(absl::StrCat(
        "the disk is slow: entry ", target, " of the journal is not durable yet, only ", durable_));
  }
  return error_.ok() ? absl::CancelledError("the journal is closed") : error_;
}

void GroupCommit::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) {
    thread_.join();
  }
}

void GroupCommit::Run() {
  std::vector<JournalEntry> entries;
  uint64_t last_sequence = 0;
  while (TakeGroup(entries, last_sequence)) {
    const absl::Status status = options_.commit(entries);
    entries.clear();
    {
      absl::MutexLock lock(&mutex_);
      being_written_ = 0;
      if (status.ok()) {
        durable_ = last_sequence;
      } else {
        error_ = status;
        waiting_.clear();
      }
    }
    if (!status.ok()) {
      options_.on_failure(status);
      return;
    }
    options_.on_durable(last_sequence);
  }
}

bool GroupCommit::TakeGroup(std::vector<JournalEntry>& entries, uint64_t& last_sequence) {
  absl::MutexLock lock(&mutex_);
  const auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !waiting_.empty();
  };
  mutex_.Await(absl::Condition(&has_work));
  mutex_.AwaitWithDeadline(absl::Condition(this, &GroupCommit::Due),
                           waiting_since_ + options_.interval);
  if (stopping_) {
    return false;
  }
  entries.swap(waiting_);
  being_written_ = entries.size();
  last_sequence = appended_;
  return true;
}

bool GroupCommit::Due() const {
  return stopping_ || flush_through_ > durable_ || 2 * waiting_.size() >= options_.max_pending;
}

}  // namespace lehr
