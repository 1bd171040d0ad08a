#include "client/cli/commands.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/history_export.h"
#include "client/cli/run_text.h"
#include "client/cli/sparkline.h"

namespace lehr {
namespace {

constexpr int64_t kLatestDecisions = 10;
constexpr size_t kGraphWidth = 24;

absl::StatusOr<v1::Run> GetRun(RunsClient& client, const std::string& run_id) {
  v1::GetRunRequest request;
  request.set_run_id(run_id);
  absl::StatusOr<v1::GetRunResponse> response = client.Call(&RunsStub::GetRun, request);
  if (!response.ok()) {
    return response.status();
  }
  return std::move(*response->mutable_run());
}

absl::Status CannotWrite(const std::string& file) {
  return absl::UnknownError(
      absl::StrCat("cannot write ", file, ": ", std::generic_category().message(errno)));
}

template <typename Export>
absl::Status ExportTo(std::ostream& out, RunsClient& client, const std::string& run_id) {
  v1::GetHistoryRequest request;
  request.set_run_id(run_id);
  Export history(out);
  absl::Status status = client.History(request, [&](const v1::HistoryEntry& entry) {
    history.Add(entry);
    return out.good();
  });
  if (status.ok()) {
    history.Finish();
    out.flush();
  }
  return status;
}

absl::Status Export(std::ostream& out, RunsClient& client, const std::string& run_id,
                    ExportFormat format) {
  return format == ExportFormat::kCsv ? ExportTo<CsvExport>(out, client, run_id)
                                      : ExportTo<JsonExport>(out, client, run_id);
}

}  // namespace

absl::Status ListRuns(RunsClient& client, const Output& output) {
  std::vector<v1::Run> runs;
  bool acting_stopped = false;
  v1::ListRunsRequest request;
  request.set_page_size(1000);
  do {
    absl::StatusOr<v1::ListRunsResponse> page = client.Call(&RunsStub::ListRuns, request);
    if (!page.ok()) {
      return page.status();
    }
    runs.insert(runs.end(), page->runs().begin(), page->runs().end());
    acting_stopped = page->acting_stopped();
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  PrintRuns(runs, absl::Now(), output.is_terminal, output.out);
  if (acting_stopped) {
    output.out << "All acting is stopped; `lehr stop-acting --resume` allows it again.\n";
  }
  return absl::OkStatus();
}

absl::Status ShowRun(RunsClient& client, const std::string& run_id, const Output& output) {
  const absl::StatusOr<v1::Run> run = GetRun(client, run_id);
  if (!run.ok()) {
    return run.status();
  }
  PrintRun(*run, absl::Now(), output.out);
  if (run->step() < 0) {
    return absl::OkStatus();
  }
  v1::GetHistoryRequest request;
  request.set_run_id(run_id);
  request.set_generation(run->generation());
  request.set_from_step(std::max<int64_t>(0, run->step() + 1 - kLatestDecisions));
  output.out << '\n' << DecisionHeader() << '\n';
  return client.History(request, [&](const v1::HistoryEntry& entry) {
    output.out << DecisionLine(entry.decision(), /*graph=*/"") << '\n';
    return output.out.good();
  });
}

absl::Status WatchRun(RunsClient& client, const std::string& run_id, const Output& output) {
  Sparkline temperatures(kGraphWidth);
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
      temperatures.Add(news.decision().observation().temperature());
      output.out << DecisionLine(news.decision(), output.is_terminal ? temperatures.Text() : "")
                 << '\n';
    }
    output.out.flush();
    return output.out.good();
  });
}

absl::Status ExportRun(RunsClient& client, const std::string& run_id, ExportFormat format,
                       const std::string& file, const Output& output) {
  if (file.empty() || file == "-") {
    return Export(output.out, client, run_id, format);
  }
  const std::string partial = file + ".part";
  std::ofstream out(partial);
  if (!out) {
    return CannotWrite(partial);
  }
  absl::Status status = Export(out, client, run_id, format);
  out.close();
  if (status.ok() && !out) {
    status = CannotWrite(partial);
  }
  std::error_code error;
  if (status.ok()) {
    std::filesystem::rename(partial, file, error);
    if (!error) {
      return absl::OkStatus();
    }
    status = absl::UnknownError(absl::StrCat("cannot write ", file, ": ", error.message()));
  }
  std::filesystem::remove(partial, error);
  return status;
}

absl::Status ChangePolicy(RunsClient& client, const std::string& run_id, const PolicyFlags& flags,
                          const Output& output) {
  absl::StatusOr<v1::Run> run = GetRun(client, run_id);
  if (!run.ok()) {
    return run.status();
  }
  if (HasAny(flags)) {
    const absl::StatusOr<v1::SetPolicyResponse> changed =
        client.Call(&RunsStub::SetPolicy, MakeSetPolicyRequest(run_id, flags, run->settings()));
    if (!changed.ok()) {
      return changed.status();
    }
    output.out << "from step " << changed->from_step() << " on:\n";
    *run = changed->run();
  }
  output.out << "policy  " << PolicyText(run->settings().policy()) << '\n'
             << "guards  " << GuardsText(run->settings().guards()) << '\n';
  return absl::OkStatus();
}

absl::Status StopActing(RunsClient& client, bool stop, const Output& output) {
  v1::StopActingRequest request;
  request.set_stop(stop);
  const absl::StatusOr<v1::StopActingResponse> response =
      client.Call(&RunsStub::StopActing, request);
  if (!response.ok()) {
    return response.status();
  }
  output.out << (response->acting_stopped() ? "All acting is stopped: every policy only observes.\n"
                                            : "Acting is allowed.\n");
  return absl::OkStatus();
}

absl::Status EndRun(RunsClient& client, const std::string& run_id, const Output& output) {
  v1::EndRunRequest request;
  request.set_run_id(run_id);
  const absl::StatusOr<v1::EndRunResponse> response = client.Call(&RunsStub::EndRun, request);
  if (!response.ok()) {
    return response.status();
  }
  output.out << "run " << run_id << " is " << StateName(response->run().state())
             << "; its ranks train on without a supervisor, its history stays\n";
  return absl::OkStatus();
}

}  // namespace lehr
