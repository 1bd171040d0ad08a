#include "server/http/overview_feed.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "server/http/json.h"

namespace lehr {
namespace {

// Events that a slow client may be behind.
constexpr size_t kKeptEvents = 4;

}  // namespace

void OverviewFeed::Run(const HttpWriter& write) {
  Event event = Whole();
  absl::Time written = absl::Now();
  bool alive = write(*event.text);
  while (alive && !streams_.WaitForStop(kFeedInterval / 5)) {
    event = Next(event.number);
    if (event.text != nullptr) {
      written = absl::Now();
      alive = write(*event.text);
    } else if (absl::Now() - written >= kHeartbeat) {
      written = absl::Now();
      alive = write(kHeartbeatText);
    }
  }
}

OverviewFeed::Event OverviewFeed::Whole() {
  absl::MutexLock lock(&mutex_);
  return WholeLocked();
}

// What it tells is newer than every `changed` before it, and older than every one behind.
OverviewFeed::Event OverviewFeed::WholeLocked() const {
  v1::ListOverviewRequest request;
  request.set_page_size(kMaxFeedRuns);
  const absl::StatusOr<v1::ListOverviewResponse> response = supervisor_.ListOverview(request);
  return {.number = newest_,
          .text = std::make_shared<const std::string>(
              EventText("overview", ToJson(response.value_or(v1::ListOverviewResponse()))))};
}

OverviewFeed::Event OverviewFeed::Next(uint64_t number) {
  absl::MutexLock lock(&mutex_);
  if (number == newest_ && absl::Now() - made_ >= kFeedInterval) {
    MakeNext();
  }
  if (number == newest_) {
    return {.number = number};
  }
  if (newest_ - number > events_.size()) {
    return WholeLocked();
  }
  return {.number = number + 1, .text = events_[events_.size() - (newest_ - number)]};
}

void OverviewFeed::MakeNext() {
  made_ = absl::Now();
  std::vector<std::pair<Sent*, std::shared_ptr<RunHost>>> changed;
  for (std::shared_ptr<RunHost>& run : supervisor_.runs().All()) {
    const auto [sent, is_new] = sent_.try_emplace(run->run_id());
    if (is_new || sent->second.revision != run->revision()) {
      changed.emplace_back(&sent->second, std::move(run));
    }
  }
  const bool acting_stopped = supervisor_.runs().acting_stopped();
  if (changed.empty() && acting_stopped == acting_stopped_) {
    return;
  }
  acting_stopped_ = acting_stopped;
  // Those that have waited longest come first.
  const size_t told = std::min(changed.size(), kMaxFeedRuns);
  std::partial_sort(changed.begin(), changed.begin() + static_cast<int64_t>(told), changed.end(),
                    [](const auto& a, const auto& b) { return a.first->number < b.first->number; });
  changed.resize(told);
  ++newest_;
  v1::ListOverviewResponse response;
  response.set_acting_stopped(acting_stopped);
  for (const auto& [sent, run] : changed) {
    // The revision first: what changes in between is told again.
    *sent = {.revision = run->revision(), .number = newest_};
    *response.add_runs() = run->Overview();
  }
  events_.push_back(std::make_shared<const std::string>(EventText("changed", ToJson(response))));
  if (events_.size() > kKeptEvents) {
    events_.pop_front();
  }
}

}  // namespace lehr
