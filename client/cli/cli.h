// The `lehr` command: runs in a terminal.
#ifndef LEHR_CLIENT_CLI_CLI_H_
#define LEHR_CLIENT_CLI_CLI_H_

#include <ostream>

#include "client/cli/commands.h"

namespace lehr {

inline constexpr int kExitOk = 0;
// The supervisor said no, e.g. to an unknown run, or the output could not be written.
inline constexpr int kExitFailed = 1;
// A flag or an argument is wrong.
inline constexpr int kExitUsage = 2;
// No supervisor answers.
inline constexpr int kExitNoSupervisor = 3;

// Runs one command line and returns the exit code. Errors are one line on `errors`.
int RunCli(int argc, const char* const* argv, const Output& output, std::ostream& errors);

}  // namespace lehr

#endif  // LEHR_CLIENT_CLI_CLI_H_
