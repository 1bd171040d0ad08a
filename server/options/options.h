// What an operator of lehrd may set, by flag or in a YAML file; flags win. `lehrd --help` says for
// each option its unit, default, bounds and trade-off.
//
//   auto options = ParseServerOptions(argc, argv, std::cout);
//   if (!options.ok()) ...            // a line with the option, its value and where it stood
//   if (!options->has_value()) ...    // --help or --version was printed
//   Listen((*options)->listen);
#ifndef LEHR_SERVER_OPTIONS_OPTIONS_H_
#define LEHR_SERVER_OPTIONS_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/tls/tls_files.h"
#include "server/log.h"
#include "server/options/address.h"

namespace lehr {

struct ServerOptions {
  // Where gRPC is served.
  Address listen = {"127.0.0.1", 7070};
  // Where HTTP is served; nowhere if unset.
  std::optional<Address> http = Address{"127.0.0.1", 7071};
  // A file with the token that lets clients change runs over HTTP. Empty: nobody can.
  std::string http_token_file;
  // How gRPC connections are encrypted, and who may make them. Of a sidecar, its way to the
  // supervisor; its own port only where other machines can reach that.
  TlsFiles tls;
  // Addresses other than loopback are allowed though what is there is neither encrypted nor
  // authenticated.
  bool allow_insecure = false;

  // The supervisor, HOST:PORT, of which this lehrd is a sidecar. Empty: it is a supervisor itself.
  std::string upstream;

  // Empty for a sidecar, and only then.
  std::string data_dir;
  // Nothing is served: the journal in data_dir is verified.
  bool check_journal = false;
  absl::Duration commit_interval = absl::Milliseconds(50);

  int max_streams = 4096;
  int max_runs = 10000;
  // Unit: bytes.
  std::int64_t memory_quota = 512 << 20;

  // How many of the newest runs have series of their own in /metrics.
  int metric_runs = 200;
  int http_threads = 32;
  bool reflection = false;

  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  // How long running calls may still take after SIGTERM.
  absl::Duration shutdown_timeout = absl::Seconds(10);
};

// Unset if --help or --version was asked for and is now on `out`. INVALID_ARGUMENT for anything
// that cannot be started with.
absl::StatusOr<std::optional<ServerOptions>> ParseServerOptions(int argc, const char* const* argv,
                                                                std::ostream& out);

}  // namespace lehr

#endif  // LEHR_SERVER_OPTIONS_OPTIONS_H_
