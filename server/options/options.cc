#include "server/options/options.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/options/option_kinds.h"
#include "server/options/yaml_config.h"

namespace lehr {
namespace {

constexpr std::size_t kHelpWidth = 96;

// "words of a long text" broken into lines of at most kHelpWidth, each with this indent.
std::string Wrapped(const std::string& text, const std::string& indent) {
  std::string lines;
  std::string line = indent;
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    if (line.size() + 1 + word.size() > kHelpWidth) {
      absl::StrAppend(&lines, line, "\n");
      line = indent;
    }
    absl::StrAppend(&line, line.size() == indent.size() ? "" : " ", word);
  }
  return absl::StrCat(lines, line, "\n");
}

// A group of options, each as "--name=TYPE  (bounds, default)" and below it what it is for.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string name) const override {
    return CLI::Formatter::make_usage(app, std::move(name)) + "\n";
  }

  std::string make_group(std::string group, bool /*is_positional*/,
                         std::vector<const CLI::Option*> options) const override {
    std::string help = absl::StrCat(group, ":\n");
    for (const CLI::Option* option : options) {
      absl::StrAppend(&help, "  ", option->get_name(), option->get_option_text(), "\n",
                      Wrapped(option->get_description(), /*indent=*/"      "));
    }
    return help;
  }
};

// Adds options to an app, group by group.
class OptionAdder {
 public:
  OptionAdder(CLI::App* app, const YamlConfig* config) : app_(*app), config_(*config) {}

  void BeginGroup(std::string group) { group_ = std::move(group); }

  // `target` holds the default and receives the value.
  template <typename T, typename Kind>
  void Add(const std::string& name, T* target, Kind kind, const std::string& help) {
    std::vector<std::string> notes;
    if (!kind.Bounds().empty()) {
      notes.push_back(kind.Bounds());
    }
    if (!kind.Print(*target).empty()) {
      notes.push_back("default " + kind.Print(*target));
    }
    const auto store = [this, name, target, kind](const std::string& text) {
      // CLI11 takes the next argument, whatever it is, where "=VALUE" is missing or empty.
      if (absl::StartsWith(text, "--")) {
        throw CLI::ValidationError(absl::StrCat(config_.Origin(name), ": has no value"));
      }
      auto value = kind.Parse(text);
      if (!value.ok()) {
        throw CLI::ValidationError(Complaint(name, text, value.status()));
      }
      *target = *std::move(value);
    };
    app_.add_option_function<std::string>("--" + name, store, help)
        ->type_name("value")
        ->option_text(absl::StrCat("=", kind.TypeName(), notes.empty() ? "" : "  (",
                                   absl::StrJoin(notes, ", "), notes.empty() ? "" : ")"))
        ->group(group_);
  }

  void AddFlag(const std::string& name, bool* target, const std::string& help) {
    app_.add_flag("--" + name, *target, help)->group(group_);
  }

 private:
  std::string Complaint(const std::string& name, const std::string& text,
                        const absl::Status& status) const {
    return absl::StrCat(config_.Origin(name), "=", text, ": ", status.message());
  }

  CLI::App& app_;
  const YamlConfig& config_;
  std::string group_;
};

void AddAddresses(OptionAdder& options, ServerOptions* values) {
  options.BeginGroup("Addresses (port 0: a free one, which the log names)");
  options.Add("listen", &values->listen, AddressKind{}, "Where ranks and lehr connect, by gRPC.");
  options.Add("http", &values->http, AddressOrNoneKind{},
              "Where the page, /metrics, /healthz, /readyz and /api/v1 are served, or none.");
  options.Add("http_token_file", &values->http_token_file, TextKind{"FILE"},
              "A file whose first line is a token of 16 to 512 characters. Who sends it may change "
              "the policy and guards of runs, stop all acting and end runs over HTTP. Without it "
              "HTTP only reads.");
  options.AddFlag("allow_insecure", &values->allow_insecure,
                  "Allow addresses other than loopback though what is there is neither encrypted "
                  "nor authenticated: whoever reaches --listen can read and command every run, "
                  "whoever reaches --http can read them.");
  options.AddFlag("reflection", &values->reflection,
                  "Let tools such as grpcurl ask for the services and their messages.");
}

void AddTls(OptionAdder& options, ServerOptions* values) {
  options.BeginGroup("Mutual TLS of gRPC (all three or none; changed files are read again)");
  options.Add("tls_certificate", &values->tls.certificate, TextKind{"FILE"},
              "The certificate, in PEM, that names this host as others call it. A sidecar shows it "
              "to its supervisor, and serves its ranks with it where other machines can reach "
              "--listen; on loopback they come without.");
  options.Add("tls_key", &values->tls.key, TextKind{"FILE"},
              "The certificate's private key, in PEM without a passphrase.");
  options.Add(
      "tls_ca", &values->tls.ca, TextKind{"FILE"},
      "The CA's certificate, in PEM. Who has none that comes from it is not let in; who has "
      "one may do everything.");
}

void AddSidecar(OptionAdder& options, ServerOptions* values) {
  options.BeginGroup("Sidecar");
  options.Add(
      "upstream", &values->upstream, TargetKind{},
      "Be a sidecar of the supervisor there: serve the ranks of this machine, and pass "
      "their losses on in one message a step. A sidecar keeps and decides nothing: it "
      "takes none of --data_dir, --check_journal, --commit_interval, --max_runs, --metric_runs and "
      "--http_token_file, and of "
      "the pages it has only /metrics, /healthz and /readyz.");
}

void AddJournal(OptionAdder& options, ServerOptions* values) {
  options.BeginGroup("Journal");
  options.Add("data_dir", &values->data_dir, TextKind{"DIR"},
              "Where the journal lies; required, but for a sidecar. It is made if it is missing, "
              "and belongs to one lehrd at a time. After a restart every run goes on from it.");
  options.Add("commit_interval", &values->commit_interval,
              DurationKind{absl::Milliseconds(1), absl::Milliseconds(100)},
              "The longest that a decision waits for others to be written with. Longer: fewer "
              "writes, but a crash forgets more.");
}

void AddBounds(OptionAdder& options, ServerOptions* values) {
  options.BeginGroup("Bounds");
  options.Add(
      "max_streams", &values->max_streams, IntegerKind{1, 1'000'000},
      "Ranks and sidecars connected at once; more are refused and retry later. Each takes about "
      "40 KB and, without a sidecar, a file descriptor.");
  options.Add(
      "max_runs", &values->max_runs, IntegerKind{1, 1'000'000},
      "Runs that are neither ended nor left; a new one beyond them is refused. With those that "
      "are, ten times as many are held. More: more memory.");
  options.Add("memory_quota", &values->memory_quota,
              SizeKind{std::int64_t{64} << 20, std::int64_t{1} << 40},
              "Bytes for messages on their way. Smaller: big reports wait for one another.");
  options.Add("metric_runs", &values->metric_runs, IntegerKind{0, 10'000},
              "The newest runs that have series of their own in /metrics. More: larger scrapes.");
  options.Add(
      "http_threads", &values->http_threads, IntegerKind{1, 256},
      "HTTP requests served at once. Each page that is open holds one of them, but for four "
      "(half, of up to eight), which are for the others. Fewer: fewer open pages.");
}

void AddOperation(OptionAdder& options, ServerOptions* values) {
  options.BeginGroup("Operation");
  options.Add("log_level", &values->log_level,
              ChoiceKind<LogLevel>{{{"debug", LogLevel::kDebug},
                                    {"info", LogLevel::kInfo},
                                    {"warning", LogLevel::kWarning},
                                    {"error", LogLevel::kError}}},
              "The least level that is logged, on stderr.");
  options.Add("log_format", &values->log_format,
              ChoiceKind<LogFormat>{{{"text", LogFormat::kText}, {"json", LogFormat::kJson}}},
              "text: 'name=value' for people. json: an object a line for collectors.");
  options.Add("shutdown_timeout", &values->shutdown_timeout,
              DurationKind{absl::Milliseconds(1), absl::Hours(1)},
              "How long calls may still run after SIGTERM before they are cut. Keep it below the "
              "service manager's own limit (Kubernetes: 30s).");
}

void AddOther(CLI::App* app, ServerOptions* values) {
  app->set_help_flag("--help", "Print this and exit.")->group("Other");
  app->set_version_flag("--version", "lehrd " LEHR_VERSION, "Print the version and exit.")
      ->group("Other");
  // Never in a file that lehrd is to serve with.
  app->add_flag("--check_journal", values->check_journal,
                "Serve nothing: read all of the journal in --data_dir, which no lehrd may hold, or "
                "of a copy, and change nothing. Exit 0: it is intact, and what is in it is "
                "printed; 1: it is not, or cannot be read.")
      ->configurable(false)
      ->group("Other");
  app->set_config("--config", /*default_filename=*/"",
                  "Options from a YAML file, one 'name: value' a line. Flags win over it.")
      ->configurable(false)
      ->option_text("=FILE")
      ->group("Other");
}

absl::Status CheckReachability(const ServerOptions& values, const YamlConfig& config,
                               const std::string& name, const Address& address,
                               const std::string& remedy) {
  if (address.IsLoopback() || values.allow_insecure) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(config.Origin(name), "=", address.ToString(),
                   ": other machines could reach it, and nothing there is encrypted or "
                   "authenticated; listen on loopback, ",
                   remedy, "or set --allow_insecure"));
}

absl::Status CheckRole(const ServerOptions& values, const CLI::App& app, const YamlConfig& config) {
  if (values.upstream.empty()) {
    return values.data_dir.empty() ? absl::InvalidArgumentError("--data_dir is required")
                                   : absl::OkStatus();
  }
  for (const char* name : {"data_dir", "check_journal", "commit_interval", "max_runs",
                           "metric_runs", "http_token_file"}) {
    if (app.get_option(absl::StrCat("--", name))->count() > 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(config.Origin(name), ": is not for a sidecar (--upstream=", values.upstream,
                       "), which keeps no runs"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckAddresses(const ServerOptions& values, const YamlConfig& config) {
  if (values.tls.empty()) {
    absl::Status status =
        CheckReachability(values, config, "listen", values.listen,
                          /*remedy=*/"set --tls_certificate, --tls_key and --tls_ca, ");
    if (!status.ok()) {
      return status;
    }
  }
  if (!values.http) {
    return absl::OkStatus();
  }
  if (values.http->CollidesWith(values.listen)) {
    return absl::InvalidArgumentError(
        absl::StrCat(config.Origin("http"), "=", values.http->ToString(), ": collides with ",
                     config.Origin("listen"), "=", values.listen.ToString()));
  }
  return CheckReachability(values, config, "http", *values.http, /*remedy=*/"");
}

}  // namespace

absl::StatusOr<std::optional<ServerOptions>> ParseServerOptions(int argc, const char* const* argv,
                                                                std::ostream& out) {
  CLI::App app("lehrd takes the temperature of training runs and tells their ranks what to do.",
               "lehrd");
  const auto config = std::make_shared<YamlConfig>(app);
  app.config_formatter(config);
  app.formatter(std::make_shared<HelpFormatter>());

  ServerOptions values;
  OptionAdder options(&app, config.get());
  AddAddresses(options, &values);
  AddTls(options, &values);
  AddSidecar(options, &values);
  AddJournal(options, &values);
  AddBounds(options, &values);
  AddOperation(options, &values);
  AddOther(&app, &values);

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    out << app.help();
    return std::nullopt;
  } catch (const CLI::CallForVersion& version) {
    out << version.what() << "\n";
    return std::nullopt;
  } catch (const CLI::FileError&) {
    return absl::InvalidArgumentError(
        absl::StrCat("--config=", app.get_config_ptr()->as<std::string>(), ": cannot be read"));
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(error.what());
  }
  if (absl::Status status = CheckRole(values, app, *config); !status.ok()) {
    return status;
  }
  if (absl::Status status = CheckAddresses(values, *config); !status.ok()) {
    return status;
  }
  if (absl::Status status = CheckTlsFiles(values.tls); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--", status.message()));
  }
  return values;
}

}  // namespace lehr
