// A run as one HTML page that needs nothing else: no script, no font, no picture, no network. It
// follows the reader's light or dark setting. Its size is bounded, whatever the length of the run.
#ifndef LEHR_CLIENT_CLI_RUN_REPORT_H_
#define LEHR_CLIENT_CLI_RUN_REPORT_H_

#include <ostream>

#include "absl/time/time.h"
#include "client/cli/run_digest.h"
#include "lehr/v1/runs.pb.h"

namespace lehr {

// `now`: when `run` was asked for.
void WriteRunReport(const v1::Run& run, const RunDigest& digest, absl::Time now, std::ostream& out);

}  // namespace lehr

#endif  // LEHR_CLIENT_CLI_RUN_REPORT_H_
