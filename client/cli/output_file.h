// A file that appears when it is complete: an error leaves what was there before alone, and nothing
// else behind.
#ifndef LEHR_CLIENT_CLI_OUTPUT_FILE_H_
#define LEHR_CLIENT_CLI_OUTPUT_FILE_H_

#include <functional>
#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace lehr {

// What `write` writes, to `file`, or to `out` if it is empty or "-". Errors: those of `write`, and
// UNKNOWN, with the name, where the file cannot be written.
absl::Status WriteOutput(const std::string& file, std::ostream& out,
                         const std::function<absl::Status(std::ostream&)>& write);

}  // namespace lehr

#endif  // LEHR_CLIENT_CLI_OUTPUT_FILE_H_
