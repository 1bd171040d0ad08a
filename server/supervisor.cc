#include "server/supervisor.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/log.h"

namespace lehr {
namespace {

constexpr uint32_t kDefaultRunsPage = 100;
constexpr uint32_t kMaxRunsPage = 1000;
constexpr uint32_t kDefaultHistoryPage = 1000;
constexpr uint32_t kMaxHistoryPage = 10000;

absl::StatusOr<uint32_t> PageSize(uint32_t asked, uint32_t unset, uint32_t most) {
  if (asked > most) {
    return absl::InvalidArgumentError(
        absl::StrCat("page_size is ", asked, "; it must be at most ", most));
  }
  return asked == 0 ? unset : asked;
}

// How long the disk may take over an operator's change, which a gRPC thread waits for.
constexpr absl::Duration kChangeTimeout = absl::Seconds(5);

// An operator's change is acknowledged once it survives a crash.
absl::Status AwaitDurable(Journal& journal) {
  const absl::Status flushed = journal.Flush(absl::Now() + kChangeTimeout);
  return flushed.ok() ? flushed
                      : absl::UnavailableError(absl::StrCat(
                            "the change holds, but a crash may undo it: ", flushed.message()));
}

absl::Status BadToken(const std::string& token) {
  return absl::InvalidArgumentError(
      absl::StrCat("page_token is \"", absl::CEscape(token), "\", which no page gave out"));
}

// "generation:step" of the last entry of the page before.
absl::StatusOr<std::optional<HistoryPosition>> ParseToken(const std::string& token) {
  if (token.empty()) {
    return std::optional<HistoryPosition>();
  }
  HistoryPosition position;
  const size_t colon = token.find(':');
  if (colon == std::string::npos ||
      !absl::SimpleAtoi(token.substr(0, colon), &position.generation) ||
      !absl::SimpleAtoi(token.substr(colon + 1), &position.step)) {
    return BadToken(token);
  }
  return std::optional(position);
}

// Newest first; the id decides between runs of the same nanosecond.
bool IsNewer(const std::shared_ptr<RunHost>& a, const std::shared_ptr<RunHost>& b) {
  return std::pair(a->opened(), a->run_id()) > std::pair(b->opened(), b->run_id());
}

}  // namespace

Supervisor::Supervisor(const Options& options)
    : journal_(*options.journal),
      runs_({.store = options.journal,
             .metrics = options.metrics,
             .max_runs = options.max_runs,
             .wake_at = [this](absl::Time time) { clock_.WakeAt(time); }}),
      clock_([this] { runs_.Tick(absl::Now()); }) {}

absl::StatusOr<std::unique_ptr<Supervisor>> Supervisor::Start(const Options& options) {
  auto supervisor = std::unique_ptr<Supervisor>(new Supervisor(options));
  if (absl::Status status = supervisor->runs_.Recover(absl::Now()); !status.ok()) {
    return status;
  }
  return supervisor;
}

absl::StatusOr<v1::ListRunsResponse> Supervisor::ListRuns(
    const v1::ListRunsRequest& request) const {
  const absl::StatusOr<uint32_t> size =
      PageSize(request.page_size(), kDefaultRunsPage, kMaxRunsPage);
  if (!size.ok()) {
    return size.status();
  }
  // The token is the place in the order: "opening time in ns:run id" of the last run shown.
  const std::string& token = request.page_token();
  int64_t opened_ns = std::numeric_limits<int64_t>::max();
  std::string last_id;
  if (!token.empty()) {
    const size_t colon = token.find(':');
    if (colon == std::string::npos || !absl::SimpleAtoi(token.substr(0, colon), &opened_ns)) {
      return BadToken(token);
    }
    last_id = token.substr(colon + 1);
  }
  std::vector<std::shared_ptr<RunHost>> runs = runs_.All();
  std::sort(runs.begin(), runs.end(), IsNewer);
  v1::ListRunsResponse response;
  for (const std::shared_ptr<RunHost>& run : runs) {
    if (std::pair(absl::ToUnixNanos(run->opened()), run->run_id()) >=
            std::pair(opened_ns, last_id) &&
        !token.empty()) {
      continue;
    }
    if (response.runs_size() == static_cast<int>(*size)) {
      const v1::Run& last = response.runs(response.runs_size() - 1);
      const auto shown = std::find_if(runs.begin(), runs.end(),
                                      [&](const auto& r) { return r->run_id() == last.run_id(); });
      response.set_next_page_token(
          absl::StrCat(absl::ToUnixNanos((*shown)->opened()), ":", last.run_id()));
      break;
    }
    *response.add_runs() = run->Describe();
  }
  response.set_acting_stopped(runs_.acting_stopped());
  return response;
}

absl::StatusOr<v1::GetRunResponse> Supervisor::GetRun(const v1::GetRunRequest& request) const {
  absl::StatusOr<std::shared_ptr<RunHost>> run = runs_.Find(request.run_id());
  if (!run.ok()) {
    return run.status();
  }
  v1::GetRunResponse response;
  *response.mutable_run() = (*run)->Describe();
  return response;
}

absl::StatusOr<v1::GetHistoryResponse> Supervisor::GetHistory(
    const v1::GetHistoryRequest& request) const {
  if (absl::StatusOr<std::shared_ptr<RunHost>> run = runs_.Find(request.run_id()); !run.ok()) {
    return run.status();
  }
  const absl::StatusOr<uint32_t> size =
      PageSize(request.page_size(), kDefaultHistoryPage, kMaxHistoryPage);
  if (!size.ok()) {
    return size.status();
  }
  if (request.from_step() < 0 || request.from_step() >= kMaxStep) {
    return absl::InvalidArgumentError(
        absl::StrCat("from_step is ", request.from_step(), "; it must be in [0, 2^62)"));
  }
  const absl::StatusOr<std::optional<HistoryPosition>> after = ParseToken(request.page_token());
  if (!after.ok()) {
    return after.status();
  }
  absl::StatusOr<HistoryPage> page =
      journal_.ReadHistory({.run_id = request.run_id(),
                            .generation = request.generation(),
                            .from_step = request.from_step(),
                            .after = *after,
                            .limit = *size,
                            .only_commands = request.only_commands()});
  if (!page.ok()) {
    return page.status();
  }
  v1::GetHistoryResponse response;
  for (v1::HistoryEntry& entry : page->entries) {
    *response.add_entries() = std::move(entry);
  }
  if (page->next) {
    response.set_next_page_token(absl::StrCat(page->next->generation, ":", page->next->step));
  }
  return response;
}

absl::StatusOr<v1::SetPolicyResponse> Supervisor::SetPolicy(const v1::SetPolicyRequest& request) {
  absl::StatusOr<std::shared_ptr<RunHost>> run = runs_.Find(request.run_id());
  if (!run.ok()) {
    return run.status();
  }
  absl::StatusOr<v1::SetPolicyResponse> response = (*run)->SetPolicy(request);
  if (!response.ok()) {
    return response;
  }
  if (absl::Status status = AwaitDurable(journal_); !status.ok()) {
    return status;
  }
  return response;
}

absl::StatusOr<v1::StopActingResponse> Supervisor::StopActing(
    const v1::StopActingRequest& request) {
  runs_.StopActing(request.stop());
  if (absl::Status status = AwaitDurable(journal_); !status.ok()) {
    return status;
  }
  v1::StopActingResponse response;
  response.set_acting_stopped(request.stop());
  return response;
}

absl::StatusOr<v1::EndRunResponse> Supervisor::EndRun(const v1::EndRunRequest& request) {
  absl::StatusOr<std::shared_ptr<RunHost>> run = runs_.Find(request.run_id());
  if (!run.ok()) {
    return run.status();
  }
  v1::EndRunResponse response;
  *response.mutable_run() = (*run)->End();
  if (absl::Status status = AwaitDurable(journal_); !status.ok()) {
    return status;
  }
  return response;
}

absl::StatusOr<std::shared_ptr<RunHost>> Supervisor::Watch(const v1::WatchRunRequest& request,
                                                           std::shared_ptr<WatchOutbox> watcher) {
  absl::StatusOr<std::shared_ptr<RunHost>> run = runs_.Find(request.run_id());
  if (!run.ok()) {
    return run.status();
  }
  if (absl::Status status = (*run)->Watch(std::move(watcher)); !status.ok()) {
    return status;
  }
  return run;
}

void Supervisor::BeginShutdown(absl::Time deadline) {
  runs_.Stop();
  if (absl::Status status = journal_.Flush(deadline); !status.ok()) {
    LogError("journal not flushed", {{"why", std::string(status.message())}});
  }
  runs_.Tick(absl::Now());
  for (const std::shared_ptr<RunHost>& run : runs_.All()) {
    run->CloseStreams(absl::UnavailableError("the supervisor is stopping"));
  }
}

absl::Status Supervisor::CloseJournal(absl::Time deadline) {
  const std::vector<std::shared_ptr<RunHost>> runs = runs_.All();
  const auto uncertain = std::count_if(runs.begin(), runs.end(),
                                       [](const auto& run) { return run->MayHaveForgotten(); });
  if (uncertain > 0) {
    LogWarning("the stop is not clean: ranks may hold decisions that the last unclean stop lost",
               {{"runs", uncertain}});
  }
  return journal_.Close(deadline, uncertain > 0 ? JournalStop::kUncertain : JournalStop::kClean);
}

}  // namespace lehr
