// What the ranks say of commands, packed into one row a command: one byte a rank, each a
// lehr.v1.CommandOutcome.Result. A thousand ranks then change one row a step instead of adding a
// thousand.
//
// Not thread-safe.
#ifndef LEHR_SERVER_JOURNAL_COMMAND_OUTCOMES_H_
#define LEHR_SERVER_JOURNAL_COMMAND_OUTCOMES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "lehr/v1/supervisor.pb.h"
#include "server/journal/sqlite.h"

namespace lehr {

// What the ranks said of one command. Unit: ranks.
struct RankCounts {
  uint32_t applied = 0;
  uint32_t skipped = 0;  // or that it expired
};

// results: the column of that name of the table outcomes.
RankCounts CountRanks(std::string_view results);

// The outcomes that one transaction changes.
class CommandOutcomes {
 public:
  struct Command {
    int64_t run = 0;
    uint64_t generation = 0;
    int64_t step = 0;

    friend bool operator<(const Command& a, const Command& b) {
      return std::tie(a.run, a.generation, a.step) < std::tie(b.run, b.generation, b.step);
    }
  };

  explicit CommandOutcomes(sqlite::Database& database) : database_(database) {}

  // A rank's last word counts. INTERNAL: the rank is beyond the most that a run can have.
  absl::Status Set(const Command& command, uint32_t rank, v1::CommandOutcome::Result result);

  // Writes the rows of all commands that Set named, and forgets them. Tells of each what the ranks
  // said before and what they say now.
  absl::Status Write(
      absl::FunctionRef<void(int64_t run, const RankCounts& before, const RankCounts& after)>
          changed);

 private:
  struct Results {
    std::string before;
    std::string after;
  };

  absl::Status Load(const Command& command, Results& results);

  sqlite::Database& database_;
  absl::btree_map<Command, Results> changed_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_JOURNAL_COMMAND_OUTCOMES_H_
