#include "client/cli/cli.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "absl/strings/numbers.h"
#include "client/cli/watch.h"

namespace lehr {
namespace {

// Empty: the address is HOST:PORT.
std::string AddressFault(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  const bool is_valid = colon != std::string::npos && colon > 0 &&
                        absl::SimpleAtoi(address.substr(colon + 1), &port) && port > 0 &&
                        port <= 65535;
  return is_valid ? "" : "'" + address + "' is not HOST:PORT";
}

int ExitCode(const absl::Status& status) {
  if (status.ok()) {
    return kExitOk;
  }
  return absl::IsUnavailable(status) ? kExitNoSupervisor : kExitFailed;
}

// The exit code of a command that ended with `status`. What was printed counts only once it is out.
int Finish(absl::Status status, std::ostream& out, std::ostream& errors) {
  out.flush();
  if (status.ok() && !out.good()) {
    status = absl::UnknownError("cannot write the whole output");
  }
  if (!status.ok()) {
    errors << "lehr: " << status.message() << '\n';
  }
  return ExitCode(status);
}

}  // namespace

int RunCli(int argc, const char* const* argv, const Output& output, std::ostream& errors) {
  CLI::App app("lehr: what a supervisor of training runs (lehrd) knows, in a terminal.", "lehr");
  app.set_version_flag("--version", "lehr " LEHR_VERSION);
  // One is required, but a misspelt one should be named as such.
  app.require_subcommand(0, 1);
  app.fallthrough();
  std::string address = "127.0.0.1:7070";
  app.add_option("--supervisor", address, "HOST:PORT of lehrd's gRPC port")
      ->envname("LEHR_SUPERVISOR")
      ->capture_default_str()
      ->check(CLI::Validator(AddressFault, "HOST:PORT"));
  TlsFiles tls;
  const auto add_file = [&app](const char* name, std::string& path, const char* variable,
                               const char* help) {
    app.add_option(name, path, help)->type_name("FILE")->envname(variable);
  };
  add_file("--tls_certificate", tls.certificate, "LEHR_TLS_CERTIFICATE",
           "Certificate to show to a lehrd that wants one, in PEM");
  add_file("--tls_key", tls.key, "LEHR_TLS_KEY", "Its private key");
  add_file("--tls_ca", tls.ca, "LEHR_TLS_CA",
           "Certificate of the CA that lehrd's certificate comes from");

  std::string run_id;
  std::function<absl::Status(RunsClient&)> command;
  const auto add = [&](const char* name, const char* what, bool takes_run,
                       std::function<absl::Status(RunsClient&)> call) {
    CLI::App* subcommand = app.add_subcommand(name, what);
    if (takes_run) {
      subcommand->add_option("RUN", run_id, "the run's id")->required();
    }
    subcommand->callback([&command, call = std::move(call)] { command = call; });
    return subcommand;
  };

  add("runs", "All runs, newest first", /*takes_run=*/false,
      [&](RunsClient& client) { return ListRuns(client, output); });
  add("show", "One run, with its latest decisions", /*takes_run=*/true,
      [&](RunsClient& client) { return ShowRun(client, run_id, output); });
  CLI::App* watch =
      add("watch", "Runs as they go on: all of them, or RUN until it ends", /*takes_run=*/false,
          [&](RunsClient& client) {
            return run_id.empty() ? WatchFleet(client, output) : WatchRun(client, run_id, output);
          });
  watch->add_option("RUN", run_id, "a run's id");

  std::string format = "csv";
  std::string file;
  CLI::App* export_run = add(
      "export", "All recorded decisions of a run as CSV or JSON", /*takes_run=*/true,
      [&](RunsClient& client) {
        return ExportRun(client, run_id, format == "csv" ? ExportFormat::kCsv : ExportFormat::kJson,
                         file, output);
      });
  export_run->add_option("--format", format, "csv or json")
      ->capture_default_str()
      ->check(CLI::IsMember({"csv", "json"}));
  export_run->add_option("-o,--output", file, "a file; by default the standard output");

  CLI::App* report =
      add("report", "A run as one HTML page that needs nothing else", /*takes_run=*/true,
          [&](RunsClient& client) { return ReportRun(client, run_id, file, output); });
  report->add_option("-o,--output", file, "a file; by default the standard output");

  PolicyFlags flags;
  CLI::App* policy =
      add("policy", "Change a run's policy and guards from its next step on; no flag: show them",
          /*takes_run=*/true,
          [&](RunsClient& client) { return ChangePolicy(client, run_id, flags, output); });
  AddPolicyFlags(*policy, flags);

  bool resume = false;
  CLI::App* stop = add("stop-acting", "Let every policy of every run only observe",
                       /*takes_run=*/false,
                       [&](RunsClient& client) { return StopActing(client, !resume, output); });
  stop->add_flag("--resume", resume, "allow acting again");
  add("end", "End a run: its ranks train on without a supervisor, its history stays",
      /*takes_run=*/true, [&](RunsClient& client) { return EndRun(client, run_id, output); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, output.out, errors) == 0 ? Finish(absl::OkStatus(), output.out, errors)
                                                    : kExitUsage;
  }
  if (!command) {
    errors << "A subcommand is required.\nRun with --help for more information.\n";
    return kExitUsage;
  }
  if (const absl::Status status = CheckTlsFiles(tls); !status.ok()) {
    errors << "lehr: --" << status.message() << '\n';
    return kExitUsage;
  }
  RunsClient client(address, tls);
  return Finish(command(client), output.out, errors);
}

}  // namespace lehr
