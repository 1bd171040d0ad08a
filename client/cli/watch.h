// `lehr watch`: runs as they go on, redrawn on a terminal, a line for each piece of news in a pipe.
//
// Errors: those of RunsClient. On a terminal only those of the first look end it; later ones are
// shown, and it looks again.
#ifndef LEHR_CLIENT_CLI_WATCH_H_
#define LEHR_CLIENT_CLI_WATCH_H_

#include <string>

#include "absl/status/status.h"
#include "client/cli/commands.h"

namespace lehr {

// All runs, until somebody ends it.
absl::Status WatchFleet(RunsClient& client, const Output& output);

// Until the run ends.
absl::Status WatchRun(RunsClient& client, const std::string& run_id, const Output& output);

}  // namespace lehr

#endif  // LEHR_CLIENT_CLI_WATCH_H_
