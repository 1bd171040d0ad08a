#include "client/cli/watch.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/reason_text.h"
#include "client/cli/run_text.h"
#include "client/cli/terminal.h"
#include "client/cli/watch_frame.h"

namespace lehr {
namespace {

constexpr absl::Duration kLookEvery = absl::Seconds(1);
// What a graph of the widest terminals shows.
constexpr int64_t kWatchedSteps = 300;

bool IsOver(const v1::Run& run) {
  return run.state() == v1::RUN_STATE_LEFT || run.state() == v1::RUN_STATE_ENDED;
}

absl::Status Look(RunsClient& client, Fleet& fleet) {
  absl::StatusOr<v1::ListRunsResponse> listed = client.ListRuns();
  if (!listed.ok()) {
    return listed.status();
  }
  fleet.runs = {listed->runs().begin(), listed->runs().end()};
  fleet.acting_stopped = listed->acting_stopped();
  for (const v1::Run& run : fleet.runs) {
    if (run.observation().count() > 0 && !IsOver(run)) {
      fleet.temperatures.try_emplace(run.run_id(), kFleetGraph)
          .first->second.Add(run.observation().temperature());
    }
  }
  return absl::OkStatus();
}

absl::Status Look(RunsClient& client, const std::string& run_id, WatchedRun& watched) {
  absl::StatusOr<v1::Run> run = client.GetRun(run_id);
  if (!run.ok()) {
    return run.status();
  }
  watched.run = *std::move(run);
  v1::GetHistoryRequest request;
  request.set_run_id(run_id);
  request.set_generation(watched.run.generation());
  request.set_from_step(std::max<int64_t>(0, watched.run.step() + 1 - kWatchedSteps));
  watched.history.clear();
  return client.History(request, [&](const v1::HistoryEntry& entry) {
    watched.history.push_back(entry);
    return watched.history.size() < 2 * kWatchedSteps;
  });
}

std::string FleetLine(const v1::Run& run) {
  const v1::Observation& observation = run.observation();
  return absl::StrFormat("%s  %s  %d/%d ranks  step %d  temperature %.4g  mean loss %.4g  %s",
                         run.run_id(), StateName(run.state()), run.connected(), run.world_size(),
                         run.step(), observation.temperature(), observation.mean(),
                         ReasonText(run.reason()));
}

absl::Status WatchFleetInLines(RunsClient& client, const Output& output) {
  std::map<std::string, std::string> known;
  Fleet fleet;
  for (;;) {
    if (absl::Status status = Look(client, fleet); !status.ok()) {
      return status;
    }
    for (const v1::Run& run : fleet.runs) {
      std::string line = FleetLine(run);
      if (std::string& old = known[run.run_id()]; old != line) {
        output.out << line << '\n';
        old = std::move(line);
      }
    }
    output.out.flush();
    if (!output.out.good()) {
      return absl::OkStatus();
    }
    absl::SleepFor(kLookEvery);
  }
}

absl::Status WatchRunInLines(RunsClient& client, const std::string& run_id, const Output& output) {
  bool has_header = false;
  return client.Watch(run_id, [&](const v1::WatchRunResponse& news) {
    if (news.has_run()) {
      output.out << "-- " << run_id << ": " << StateName(news.run().state()) << ", "
                 << news.run().connected() << " of " << news.run().world_size()
                 << " ranks connected, " << PolicyText(news.run().settings().policy()) << '\n';
    }
    if (news.has_decision()) {
      if (!has_header) {
        output.out << DecisionHeader() << '\n';
        has_header = true;
      }
      output.out << DecisionLine(news.decision(), /*graph=*/"") << '\n';
    }
    output.out.flush();
    return output.out.good();
  });
}

}  // namespace

absl::Status WatchFleet(RunsClient& client, const Output& output) {
  if (!output.is_terminal) {
    return WatchFleetInLines(client, output);
  }
  Fleet fleet;
  absl::Status status = Look(client, fleet);
  if (!status.ok()) {
    return status;
  }
  Terminal terminal(output.out);
  while (output.out.good()) {
    fleet.trouble = std::string(status.message());
    terminal.Draw(FleetFrame(fleet, Terminal::Size(), output.has_color, absl::Now()));
    absl::SleepFor(kLookEvery);
    status = Look(client, fleet);
  }
  return absl::OkStatus();
}

absl::Status WatchRun(RunsClient& client, const std::string& run_id, const Output& output) {
  if (!output.is_terminal) {
    return WatchRunInLines(client, run_id, output);
  }
  WatchedRun watched;
  absl::Status status = Look(client, run_id, watched);
  if (!status.ok()) {
    return status;
  }
  std::optional<Terminal> terminal(std::in_place, output.out);
  while (output.out.good() && !IsOver(watched.run)) {
    watched.trouble = std::string(status.message());
    terminal->Draw(RunFrame(watched, Terminal::Size(), output.has_color, absl::Now()));
    absl::SleepFor(kLookEvery);
    status = Look(client, run_id, watched);
  }
  terminal.reset();
  // What it came to stays to be read.
  output.out << RunFrame(watched, Terminal::Size(), output.has_color, absl::Now());
  return absl::OkStatus();
}

}  // namespace lehr
