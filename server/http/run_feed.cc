#include "server/http/run_feed.h"

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/http/json.h"

namespace lehr {

absl::StatusOr<std::shared_ptr<RunFeed>> RunFeed::Open(Supervisor& supervisor,
                                                       const std::string& run_id,
                                                       const EventStreams& streams) {
  v1::WatchRunRequest request;
  request.set_run_id(run_id);
  auto outbox = std::make_shared<WatchOutbox>(OutboxOverflow::kDropOldest, kMaxFeedDecisions);
  absl::StatusOr<std::shared_ptr<RunHost>> run = supervisor.Watch(request, outbox);
  if (!run.ok()) {
    return run.status();
  }
  return std::shared_ptr<RunFeed>(new RunFeed(*std::move(run), std::move(outbox), streams));
}

RunFeed::RunFeed(std::shared_ptr<RunHost> run, std::shared_ptr<WatchOutbox> outbox,
                 const EventStreams& streams)
    : run_(std::move(run)), outbox_(std::move(outbox)), streams_(streams) {}

RunFeed::~RunFeed() { run_->Unwatch(outbox_.get()); }

void RunFeed::Run(const HttpWriter& write) {
  absl::Time written = absl::InfinitePast();
  do {
    std::string text = Take();
    if (text.empty() && absl::Now() - written >= kHeartbeat) {
      text = kHeartbeatText;
    }
    if (!text.empty()) {
      written = absl::Now();
      if (!write(text)) {
        return;
      }
    }
  } while (!over_ && !streams_.WaitForStop(kRunFeedInterval));
}

std::string RunFeed::Take() {
  v1::GetHistoryResponse decisions;
  absl::Status end;
  while (!over_) {
    WatchOutbox::Next next = outbox_->Take();
    if (auto* response = std::get_if<v1::WatchRunResponse>(&next)) {
      if (response->has_decision()) {
        *decisions.add_entries()->mutable_decision() = std::move(*response->mutable_decision());
      }
    } else if (auto* status = std::get_if<absl::Status>(&next)) {
      end = *status;
      over_ = true;
    } else {
      break;
    }
  }
  std::string text;
  // The revision first: what changes in between is told again.
  if (const uint64_t revision = run_->revision(); revision != revision_) {
    revision_ = revision;
    v1::GetRunResponse response;
    *response.mutable_run() = run_->Describe();
    *response.mutable_overview() = run_->Overview();
    absl::StrAppend(&text, EventText("run", ToJson(response)));
  }
  const int surplus = decisions.entries_size() - static_cast<int>(kMaxFeedDecisions);
  if (surplus > 0) {
    decisions.mutable_entries()->DeleteSubrange(0, surplus);
  }
  if (!decisions.entries().empty()) {
    absl::StrAppend(&text, EventText("decisions", ToJson(decisions)));
  }
  // Where the supervisor stops, the client is to come back.
  if (over_ && end.ok()) {
    absl::StrAppend(&text, EventText("gone", "{}"));
  }
  return text;
}

}  // namespace lehr
