// What `lehr` does, one function a subcommand.
//
// Errors: those of RunsClient, and UNKNOWN where the output cannot be written.
#ifndef LEHR_CLIENT_CLI_COMMANDS_H_
#define LEHR_CLIENT_CLI_COMMANDS_H_

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "client/cli/policy_flags.h"
#include "client/cli/runs_client.h"

namespace lehr {

struct Output {
  std::ostream& out;
  // Escape codes and graphs are welcome.
  bool is_terminal = false;
  // Of those, colours.
  bool has_color = false;
};

absl::Status ListRuns(RunsClient& client, const Output& output);
// With the latest decisions.
absl::Status ShowRun(RunsClient& client, const std::string& run_id, const Output& output);

enum class ExportFormat { kCsv, kJson };
// The whole history, to `file`, or to the output if it is empty or "-". The file appears when it is
// complete.
absl::Status ExportRun(RunsClient& client, const std::string& run_id, ExportFormat format,
                       const std::string& file, const Output& output);

// One HTML page about the run, to `file` as above.
absl::Status ReportRun(RunsClient& client, const std::string& run_id, const std::string& file,
                       const Output& output);

// Without any flag: says what is in force.
absl::Status ChangePolicy(RunsClient& client, const std::string& run_id, const PolicyFlags& flags,
                          const Output& output);
absl::Status StopActing(RunsClient& client, bool stop, const Output& output);
absl::Status EndRun(RunsClient& client, const std::string& run_id, const Output& output);

}  // namespace lehr

#endif  // LEHR_CLIENT_CLI_COMMANDS_H_
