#include "client/cli/commands.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "client/cli/history_export.h"
#include "client/cli/output_file.h"
#include "client/cli/run_digest.h"
#include "client/cli/run_report.h"
#include "client/cli/run_text.h"

namespace lehr {
namespace {

constexpr int64_t kLatestDecisions = 10;

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
  const absl::StatusOr<v1::ListRunsResponse> listed = client.ListRuns();
  if (!listed.ok()) {
    return listed.status();
  }
  PrintRuns({listed->runs().begin(), listed->runs().end()}, absl::Now(), output.is_terminal,
            output.out);
  if (listed->acting_stopped()) {
    output.out << "All acting is stopped; `lehr stop-acting --resume` allows it again.\n";
  }
  return absl::OkStatus();
}

absl::Status ShowRun(RunsClient& client, const std::string& run_id, const Output& output) {
  const absl::StatusOr<v1::Run> run = client.GetRun(run_id);
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

absl::Status ExportRun(RunsClient& client, const std::string& run_id, ExportFormat format,
                       const std::string& file, const Output& output) {
  return WriteOutput(file, output.out,
                     [&](std::ostream& out) { return Export(out, client, run_id, format); });
}

absl::Status ReportRun(RunsClient& client, const std::string& run_id, const std::string& file,
                       const Output& output) {
  return WriteOutput(file, output.out, [&](std::ostream& out) -> absl::Status {
    const absl::StatusOr<v1::Run> run = client.GetRun(run_id);
    if (!run.ok()) {
      return run.status();
    }
    RunDigest digest;
    v1::GetHistoryRequest request;
    request.set_run_id(run_id);
    const absl::Status status = client.History(request, [&](const v1::HistoryEntry& entry) {
      digest.Add(entry);
      return true;
    });
    if (status.ok()) {
      WriteRunReport(*run, digest, absl::Now(), out);
      out.flush();
    }
    return status;
  });
}

absl::Status ChangePolicy(RunsClient& client, const std::string& run_id, const PolicyFlags& flags,
                          const Output& output) {
  absl::StatusOr<v1::Run> run = client.GetRun(run_id);
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
