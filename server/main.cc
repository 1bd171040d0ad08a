// lehrd: wires the parts together, serves until SIGTERM or SIGINT, and drains.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "client/tls/credentials.h"
#include "server/file_limit.h"
#include "server/grpc_log.h"
#include "server/grpc_server.h"
#include "server/http/bearer_token.h"
#include "server/http/http_api.h"
#include "server/http/http_server.h"
#include "server/journal/journal.h"
#include "server/journal_report.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/options/options.h"
#include "server/relay/sidecar.h"
#include "server/relay/sidecar_http.h"
#include "server/relay/sidecar_service.h"
#include "server/shutdown_signal.h"
#include "server/supervisor.h"
#include "server/tcp_port.h"

namespace lehr {
namespace {

// Files beside those of the streams: the journal, HTTP, gRPC's own.
constexpr std::uint64_t kOtherFiles = 256;

// From which file descriptor on connections are refused.
int PrepareFileLimit(int max_streams) {
  const absl::StatusOr<std::uint64_t> limit = RaiseFileLimit();
  if (!limit.ok()) {
    LogWarning("file limit not raised", {{"why", limit.status().ToString()}});
    return std::numeric_limits<int>::max();
  }
  if (*limit < max_streams + kOtherFiles) {
    LogWarning("the limit on open files is low for --max_streams",
               {{"limit", *limit}, {"max_streams", max_streams}});
  }
  const std::uint64_t end = *limit - std::min(kOtherFiles, *limit / 2);
  return static_cast<int>(std::min<std::uint64_t>(end, std::numeric_limits<int>::max()));
}

// Threads that clients of events may hold: /metrics and /healthz must never wait for one.
int EventClients(int http_threads) {
  constexpr int kForOthers = 4;
  return std::max(http_threads - kForOthers, http_threads / 2);
}

// After a failed sync nothing that the disk says can be trusted: the next start recovers.
[[noreturn]] void DieOfJournalFailure(const absl::Status& status) {
  LogError("the journal failed", {{"why", status.ToString()}});
  std::_Exit(EXIT_FAILURE);
}

// Asked before anything else is begun, such as the journal. A program that starts at the same time
// may still be faster.
absl::Status CheckPortsAreFree(const ServerOptions& options) {
  absl::Status status = BindTcpPort("listen", options.listen).status();
  return status.ok() && options.http ? BindTcpPort("http", *options.http).status() : status;
}

absl::StatusOr<std::unique_ptr<Journal>> OpenJournal(const ServerOptions& options,
                                                     Metrics& metrics) {
  JournalOptions journal_options;
  journal_options.data_dir = options.data_dir;
  journal_options.commit_interval = options.commit_interval;
  journal_options.on_failure = DieOfJournalFailure;
  journal_options.on_commit = [&metrics](std::size_t records, absl::Duration duration) {
    metrics.JournalCommitted(records, duration);
  };
  return Journal::Open(std::move(journal_options));
}

// What of a role the ports serve, and how its end begins.
struct Role {
  std::function<absl::StatusOr<std::unique_ptr<GrpcServer>>(const GrpcServer::Options&)> start_grpc;
  HttpServer::Handler handle_http;
  std::function<void(absl::Time deadline)> begin_shutdown;
};

// Serves until the signal, and returns by when everything must be done. No stream of a rank is left
// from then on.
absl::StatusOr<absl::Time> ServeUntilSignal(const ServerOptions& options, ShutdownSignal& shutdown,
                                            const Role& role) {
  // Who reaches a sidecar's loopback is a process of this machine, as it is itself.
  const bool plain = !options.upstream.empty() && options.listen.IsLoopback();
  auto grpc_server = role.start_grpc({.address = options.listen,
                                      .tls = plain ? TlsFiles{} : options.tls,
                                      .end_of_descriptors = PrepareFileLimit(options.max_streams),
                                      .max_streams = static_cast<uint32_t>(options.max_streams),
                                      .memory_quota = options.memory_quota,
                                      .reflection = options.reflection});
  if (!grpc_server.ok()) {
    return grpc_server.status();
  }
  const auto grpc_port = static_cast<std::uint16_t>((*grpc_server)->port());
  LogInfo("serving gRPC", {{"address", Address{options.listen.host, grpc_port}.ToString()}});

  std::unique_ptr<HttpServer> http_server;
  if (options.http) {
    auto started = HttpServer::Start({.address = *options.http, .threads = options.http_threads},
                                     role.handle_http);
    if (!started.ok()) {
      return started.status();
    }
    http_server = *std::move(started);
    LogInfo("serving HTTP",
            {{"address", Address{options.http->host, http_server->port()}.ToString()}});
  }

  LogInfo("lehrd drains", {{"signal", shutdown.Wait()}});
  const absl::Time deadline = absl::Now() + options.shutdown_timeout;
  (*grpc_server)->SetNotServing();
  role.begin_shutdown(deadline);
  (*grpc_server)->Shutdown(deadline);
  return deadline;
}

absl::Status ServeAsSidecar(const ServerOptions& options, ShutdownSignal& shutdown) {
  LogInfo("lehrd starts as a sidecar", {{"version", LEHR_VERSION}, {"upstream", options.upstream}});
  Metrics metrics(/*max_run_series=*/0);
  Sidecar sidecar({options.upstream, MakeChannelCredentials(options.tls)}, metrics);
  const absl::StatusOr<absl::Time> deadline = ServeUntilSignal(
      options, shutdown,
      {.start_grpc =
           [&](const GrpcServer::Options& grpc) {
             return GrpcServer::Start(grpc, SidecarServices(sidecar, metrics, grpc.max_streams));
           },
       .handle_http =
           [&](const HttpRequest& request) { return SidecarHttp(sidecar, metrics, request); },
       .begin_shutdown = [&](absl::Time) { sidecar.BeginShutdown(); }});
  sidecar.Drain(deadline.value_or(absl::Now()));
  return deadline.status();
}

absl::Status ServeAsSupervisor(const ServerOptions& options, ShutdownSignal& shutdown) {
  LogInfo("lehrd starts", {{"version", LEHR_VERSION}, {"data_dir", options.data_dir}});
  Metrics metrics(options.metric_runs);
  // The journal's thread calls the supervisor: it must be the first to go.
  std::unique_ptr<Supervisor> supervisor;

  auto journal = OpenJournal(options, metrics);
  if (!journal.ok()) {
    return journal.status();
  }
  auto started = Supervisor::Start({.journal = journal->get(),
                                    .metrics = &metrics,
                                    .max_runs = static_cast<uint32_t>(options.max_runs)});
  if (!started.ok()) {
    return started.status();
  }
  supervisor = *std::move(started);
  (*journal)->NotifyDurable([&supervisor](uint64_t) { supervisor->OnDurable(); });

  HttpApi::Options http = {.max_event_clients = EventClients(options.http_threads)};
  if (!options.http_token_file.empty()) {
    absl::StatusOr<BearerToken> token = BearerToken::Read(options.http_token_file);
    if (!token.ok()) {
      return token.status();
    }
    http.token = *std::move(token);
  }
  // Nothing but the journal calls the supervisor once this returns.
  HttpApi api(*supervisor, metrics, std::move(http));
  const absl::StatusOr<absl::Time> deadline = ServeUntilSignal(
      options, shutdown,
      {.start_grpc =
           [&](const GrpcServer::Options& grpc) {
             return GrpcServer::Start(grpc, *supervisor, metrics);
           },
       .handle_http = [&](const HttpRequest& request) { return api.Handle(request); },
       .begin_shutdown =
           [&](absl::Time by) {
             api.StopEvents();
             supervisor->BeginShutdown(by);
           }});
  const absl::Status closed =
      supervisor->CloseJournal(deadline.value_or(absl::Now() + options.shutdown_timeout));
  return deadline.ok() ? closed : deadline.status();
}

int Main(int argc, char** argv) {
  ShutdownSignal shutdown;
  const auto options = ParseServerOptions(argc, argv, std::cout);
  if (!options.ok()) {
    std::cerr << "lehrd: " << options.status().message() << "\nlehrd --help lists the options.\n";
    return 2;
  }
  if (!options->has_value()) {
    return EXIT_SUCCESS;
  }
  if ((*options)->check_journal) {
    const absl::Status intact = ReportOnJournal((*options)->data_dir, std::cout);
    if (!intact.ok()) {
      std::cerr << "lehrd: " << intact.message() << "\n";
    }
    return intact.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  StartLogging((*options)->log_level, (*options)->log_format);
  LogWhatGrpcSays();
  absl::Status status = CheckPortsAreFree(**options);
  if (status.ok()) {
    status = (*options)->upstream.empty() ? ServeAsSupervisor(**options, shutdown)
                                          : ServeAsSidecar(**options, shutdown);
  }
  if (!status.ok()) {
    LogError("lehrd failed", {{"why", status.ToString()}});
    return EXIT_FAILURE;
  }
  LogInfo("lehrd stopped");
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace lehr

int main(int argc, char** argv) { return lehr::Main(argc, argv); }
