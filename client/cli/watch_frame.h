// What `lehr watch` shows on a terminal, as lines that fit it. Pure.
#ifndef LEHR_CLIENT_CLI_WATCH_FRAME_H_
#define LEHR_CLIENT_CLI_WATCH_FRAME_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/cli/sparkline.h"
#include "client/cli/terminal.h"
#include "lehr/v1/runs.pb.h"

namespace lehr {

// Temperatures that a line of the fleet shows.
inline constexpr size_t kFleetGraph = 16;

struct Fleet {
  std::vector<v1::Run> runs;
  bool acting_stopped = false;
  // By run id, one value a look.
  std::map<std::string, Sparkline> temperatures;
  // Why the newest look failed; empty if it did not.
  std::string trouble;
};

// A line for each run, those that need a person first, then those at work, then those that are
// over. Columns that do not fit are left out, the reason first.
std::string FleetFrame(const Fleet& fleet, TerminalSize size, bool has_color, absl::Time now);

struct WatchedRun {
  v1::Run run;
  // The newest decisions, oldest first.
  std::vector<v1::HistoryEntry> history;
  std::string trouble;
};

// Temperature and mean loss as graphs, the newest decisions, and the facts as far as there is room.
std::string RunFrame(const WatchedRun& watched, TerminalSize size, bool has_color, absl::Time now);

}  // namespace lehr

#endif  // LEHR_CLIENT_CLI_WATCH_FRAME_H_
