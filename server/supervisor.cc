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
constexpr uint32_t kDefaultRanksPage = 1000;
constexpr uint32_t kMaxRanksPage = 10000;
constexpr uint32_t kDefaultPoints = 1000;
constexpr uint32_t kMaxPoints = 4000;

// Runs whose course is made again at a start, the newest: as many as a page shows. Of each, some
// 200 rows for its course as a whole and 80 for its newest steps.
constexpr size_t kResumedCourses = kMaxRunsPage;
constexpr uint32_t kResumedPoints = Sparkline::kMaxBuckets;
constexpr int64_t kResumedSteps = 512;
constexpr uint32_t kResumedStepPoints = 128;

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
      !absl::SimpleAtoi(token.substr(colon + 1), &position.step) || position.step < 0 ||
      position.step >= kMaxStep || position.generation >= uint64_t{1} << 63) {
    return BadToken(token);
  }
  return std::optional(position);
}

// A place in the order of runs, newest first; the id decides between runs of the same nanosecond.
using RunPlace = std::pair<int64_t, std::string>;

RunPlace PlaceOf(const RunHost& run) { return {absl::ToUnixNanos(run.opened()), run.run_id()}; }

// All that lie behind `after`, newest first.
std::vector<std::shared_ptr<RunHost>> RunsBehind(const RunTable& table,
                                                 const std::optional<RunPlace>& after) {
  std::vector<std::pair<RunPlace, std::shared_ptr<RunHost>>> placed;
  for (std::shared_ptr<RunHost>& run : table.All()) {
    RunPlace place = PlaceOf(*run);
    if (!after || place < *after) {
      placed.emplace_back(std::move(place), std::move(run));
    }
  }
  std::sort(placed.begin(), placed.end(),
            [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::shared_ptr<RunHost>> runs;
  for (auto& [place, run] : placed) {
    runs.push_back(std::move(run));
  }
  return runs;
}

// A page of runs, each as `describe` tells of it.
template <typename Response, typename Request, typename Describe>
absl::StatusOr<Response> ListPage(const Request& request, const RunTable& table,
                                  Describe describe) {
  const absl::StatusOr<uint32_t> size =
      PageSize(request.page_size(), kDefaultRunsPage, kMaxRunsPage);
  if (!size.ok()) {
    return size.status();
  }
  // The token is the place of the last run shown: "opening time in ns:run id".
  const std::string& token = request.page_token();
  std::optional<RunPlace> after;
  if (!token.empty()) {
    const size_t colon = token.find(':');
    after.emplace();
    if (colon == std::string::npos || !absl::SimpleAtoi(token.substr(0, colon), &after->first)) {
      return BadToken(token);
    }
    after->second = token.substr(colon + 1);
  }
  const std::vector<std::shared_ptr<RunHost>> runs = RunsBehind(table, after);
  const size_t shown = std::min<size_t>(runs.size(), *size);
  Response response;
  for (size_t i = 0; i < shown; ++i) {
    *response.add_runs() = describe(*runs[i]);
  }
  if (shown < runs.size()) {
    const auto [opened_ns, run_id] = PlaceOf(*runs[shown - 1]);
    response.set_next_page_token(absl::StrCat(opened_ns, ":", run_id));
  }
  response.set_acting_stopped(table.acting_stopped());
  return response;
}

void AddExtent(const SeriesExtent& extent, v1::Extent& columns) {
  columns.add_min(extent.min);
  columns.add_max(extent.max);
  columns.add_last(extent.last);
}

void AddBucket(const SeriesBucket& bucket, v1::GetSeriesResponse& response) {
  response.add_first_step(bucket.first_step);
  response.add_last_step(bucket.last_step);
  response.add_closed_unix_ns(bucket.closed_unix_ns);
  const std::pair<SeriesBucket::Quantity, v1::Extent*> columns[] = {
      {SeriesBucket::kTemperature, response.mutable_temperature()},
      {SeriesBucket::kMagnitude, response.mutable_magnitude()},
      {SeriesBucket::kRootMeanSquare, response.mutable_root_mean_square()},
      {SeriesBucket::kImbalance, response.mutable_imbalance()},
      {SeriesBucket::kMean, response.mutable_mean()},
      {SeriesBucket::kMax, response.mutable_max()},
      {SeriesBucket::kDeadExamples, response.mutable_dead_examples()},
      {SeriesBucket::kP10, response.mutable_p10()},
      {SeriesBucket::kP50, response.mutable_p50()},
      {SeriesBucket::kP90, response.mutable_p90()},
      {SeriesBucket::kTiedShare, response.mutable_tied_share()},
  };
  for (const auto& [quantity, extents] : columns) {
    AddExtent(bucket.quantities[quantity], *extents);
  }
  AddExtent(bucket.stddev, *response.mutable_stddev());
  response.add_decisions(bucket.decisions);
  response.add_measured(bucket.measured);
  response.add_perturbations(bucket.perturbations);
  response.add_snapshots(bucket.snapshots);
  response.add_restores(bucket.restores);
  response.add_identities(bucket.identities);
  response.add_learning_rates(bucket.learning_rates);
  response.add_withheld(bucket.withheld);
}

absl::Status CheckStep(absl::string_view name, int64_t step, int64_t least) {
  return step >= least && step < kMaxStep
             ? absl::OkStatus()
             : absl::InvalidArgumentError(
                   absl::StrCat(name, " is ", step, "; it must be in [", least, ", 2^62)"));
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
  supervisor->ResumeCourses();
  return supervisor;
}

// A course is for display. Old rows that are damaged, which nothing is decided by, must not keep
// the other runs from being supervised.
void Supervisor::ResumeCourses() {
  std::vector<std::shared_ptr<RunHost>> runs = RunsBehind(runs_, std::nullopt);
  runs.resize(std::min(runs.size(), kResumedCourses));
  for (const std::shared_ptr<RunHost>& run : runs) {
    if (absl::Status status = ResumeCourse(*run); !status.ok()) {
      LogError("the course of a run cannot be read, and is shown from here on",
               {{"run", run->run_id()}, {"why", status.ToString()}});
    }
  }
}

// In coarse pieces what is long past, then the newest steps.
absl::Status Supervisor::ResumeCourse(RunHost& run) {
  const v1::Run state = run.Describe();
  const int64_t newest_from = std::max<int64_t>(state.step() - kResumedSteps + 1, 0);
  const SeriesQuery past = {.run_id = run.run_id(),
                            .generation = state.generation(),
                            .to_step = newest_from - 1,
                            .points = kResumedPoints};
  const SeriesQuery newest = {.run_id = run.run_id(),
                              .generation = state.generation(),
                              .from_step = newest_from,
                              .points = kResumedStepPoints};
  for (const SeriesQuery& query : {past, newest}) {
    const absl::StatusOr<std::vector<SeriesBucket>> series = journal_.ReadSeries(query);
    if (!series.ok()) {
      return series.status();
    }
    run.ResumeCourse(*series);
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::ListRunsResponse> Supervisor::ListRuns(
    const v1::ListRunsRequest& request) const {
  return ListPage<v1::ListRunsResponse>(request, runs_,
                                        [](const RunHost& run) { return run.Describe(); });
}

absl::StatusOr<v1::ListOverviewResponse> Supervisor::ListOverview(
    const v1::ListOverviewRequest& request) const {
  return ListPage<v1::ListOverviewResponse>(request, runs_,
                                            [](const RunHost& run) { return run.Overview(); });
}

absl::StatusOr<v1::GetRunResponse> Supervisor::GetRun(const v1::GetRunRequest& request) const {
  absl::StatusOr<std::shared_ptr<RunHost>> run = runs_.Find(request.run_id());
  if (!run.ok()) {
    return run.status();
  }
  v1::GetRunResponse response;
  *response.mutable_run() = (*run)->Describe();
  *response.mutable_overview() = (*run)->Overview();
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
  if (absl::Status status = CheckStep("from_step", request.from_step(), 0); !status.ok()) {
    return status;
  }
  const absl::StatusOr<std::optional<HistoryPosition>> after = ParseToken(request.page_token());
  if (!after.ok()) {
    return after.status();
  }
  absl::StatusOr<HistoryPage> page = journal_.ReadHistory({.run_id = request.run_id(),
                                                           .generation = request.generation(),
                                                           .from_step = request.from_step(),
                                                           .after = *after,
                                                           .limit = *size,
                                                           .only_commands = request.only_commands(),
                                                           .only_acts = request.only_acts(),
                                                           .newest_first = request.newest_first()});
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

absl::StatusOr<v1::GetSeriesResponse> Supervisor::GetSeries(
    const v1::GetSeriesRequest& request) const {
  const absl::StatusOr<std::shared_ptr<RunHost>> run = runs_.Find(request.run_id());
  if (!run.ok()) {
    return run.status();
  }
  if (absl::Status status = CheckStep("from_step", request.from_step(), 0); !status.ok()) {
    return status;
  }
  const int64_t to_step = request.has_to_step() ? request.to_step() : kMaxStep - 1;
  if (absl::Status status = CheckStep("to_step", to_step, request.from_step()); !status.ok()) {
    return status;
  }
  if (request.points() > kMaxPoints) {
    return absl::InvalidArgumentError(
        absl::StrCat("points is ", request.points(), "; it must be at most ", kMaxPoints));
  }
  v1::GetSeriesResponse response;
  response.set_generation(request.generation() == 0 ? (*run)->Describe().generation()
                                                    : request.generation());
  const absl::StatusOr<std::vector<SeriesBucket>> series =
      journal_.ReadSeries({.run_id = request.run_id(),
                           .generation = response.generation(),
                           .from_step = request.from_step(),
                           .to_step = to_step,
                           .points = request.points() == 0 ? kDefaultPoints : request.points()});
  // A run that was opened just now is not in the journal yet.
  if (!series.ok() && !absl::IsNotFound(series.status())) {
    return series.status();
  }
  if (series.ok()) {
    for (const SeriesBucket& bucket : *series) {
      AddBucket(bucket, response);
    }
  }
  return response;
}

absl::StatusOr<v1::ListRanksResponse> Supervisor::ListRanks(
    const v1::ListRanksRequest& request) const {
  const absl::StatusOr<std::shared_ptr<RunHost>> run = runs_.Find(request.run_id());
  if (!run.ok()) {
    return run.status();
  }
  const absl::StatusOr<uint32_t> size =
      PageSize(request.page_size(), kDefaultRanksPage, kMaxRanksPage);
  if (!size.ok()) {
    return size.status();
  }
  uint32_t from = 0;
  if (!request.page_token().empty() && !absl::SimpleAtoi(request.page_token(), &from)) {
    return BadToken(request.page_token());
  }
  return (*run)->ListRanks(from, *size);
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
