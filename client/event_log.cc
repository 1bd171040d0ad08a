#include "client/event_log.h"

#include <iostream>
#include <utility>

namespace lehr {
namespace {

void ToStderr(std::string_view line) { std::cerr << "lehr: " << line << std::endl; }

}  // namespace

EventLog::EventLog(std::function<void(std::string_view)> sink)
    : sink_(sink ? std::move(sink) : ToStderr) {}

void EventLog::Note(std::string line) {
  absl::MutexLock lock(&mutex_);
  untold_.push_back(std::move(line));
}

void EventLog::NoteOnce(const std::string& event, std::string line) {
  absl::MutexLock lock(&mutex_);
  if (noted_.insert(event).second) {
    untold_.push_back(std::move(line));
  }
}

void EventLog::Forget(const std::string& event) {
  absl::MutexLock lock(&mutex_);
  noted_.erase(event);
}

void EventLog::Tell() {
  absl::MutexLock sink_lock(&sink_mutex_);
  std::vector<std::string> lines;
  {
    absl::MutexLock lock(&mutex_);
    lines.swap(untold_);
  }
  for (const std::string& line : lines) {
    sink_(line);
  }
}

}  // namespace lehr
