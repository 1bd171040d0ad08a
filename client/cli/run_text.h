// Runs and decisions as text for a person.
#ifndef LEHR_CLIENT_CLI_RUN_TEXT_H_
#define LEHR_CLIENT_CLI_RUN_TEXT_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "lehr/v1/runs.pb.h"

namespace lehr {

// A table with a line for each run.
void PrintRuns(const std::vector<v1::Run>& runs, absl::Time now, bool is_terminal,
               std::ostream& out);

struct RunFact {
  const char* name;
  std::string text;
};

// Everything that is known of one run.
std::vector<RunFact> FactsOf(const v1::Run& run, absl::Time now);
// The same, one fact a line.
void PrintRun(const v1::Run& run, absl::Time now, std::ostream& out);

// The policy and the guards in force, on one line each.
std::string PolicyText(const v1::Policy& policy);
std::string GuardsText(const v1::Guards& guards);

// e.g. "active".
std::string StateName(v1::RunState state);

// One line a decision, below DecisionHeader; the columns are aligned. `graph` is put before the
// reason and should have the same width on each line; it may be empty.
std::string DecisionHeader();
std::string DecisionLine(const v1::Decision& decision, const std::string& graph);

absl::Time LastSeen(const v1::Run& run);

// e.g. "3 s", "12 min", "5 h", "9 d".
std::string AgeText(absl::Duration age);

}  // namespace lehr

#endif  // LEHR_CLIENT_CLI_RUN_TEXT_H_
