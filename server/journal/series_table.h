// The table "buckets": a run's decisions condensed, so that a chart of any length costs the same.
//
// A bucket of level k holds the decisions of one block of 8^k steps, k from 1 to kSeriesLevels,
// that begins at a multiple of its length. It is written when a decision beyond the block comes;
// until then it is open, in memory. What is open after a restart is made again from the rows of the
// level below, at most 8 of them, level 0 being the decisions themselves. A decision that comes
// late, to a block that was written, changes its row.
//
// Not thread-safe.
#ifndef LEHR_SERVER_JOURNAL_SERIES_TABLE_H_
#define LEHR_SERVER_JOURNAL_SERIES_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/journal/series_bucket.h"
#include "server/journal/sqlite.h"

namespace lehr {

// The longest block: 8^7 = 2,097,152 steps.
inline constexpr int kSeriesLevels = 7;
// Of 2^SeriesShift(level) steps is a block of the level.
inline constexpr int SeriesShift(int level) { return 3 * level; }
// Runs with open buckets in memory, 2 KB each; one beyond them takes the place of another.
inline constexpr size_t kMaxOpenSeries = 4096;

// One level of a generation, from the step `from` on and before `end`: at most `limit` buckets that
// begin there, in their order.
struct SeriesRows {
  int64_t run = 0;
  uint64_t generation = 0;
  // 0: the decisions, one a bucket.
  int level = 0;
  // Multiples of the level's length.
  int64_t from = 0;
  int64_t end = 0;
  size_t limit = 0;
};
absl::StatusOr<std::vector<SeriesBucket>> ReadSeriesRows(sqlite::Database& database,
                                                         const SeriesRows& rows);

// The steps of the first and of the last decision of a generation. Unset: it has none.
struct SeriesSpan {
  int64_t first_step = 0;
  int64_t last_step = 0;
};
absl::StatusOr<std::optional<SeriesSpan>> ReadSeriesSpan(sqlite::Database& database, int64_t run,
                                                         uint64_t generation);

class SeriesTable {
 public:
  explicit SeriesTable(sqlite::Database& database) : database_(database) {}

  // Before the first statement.
  absl::Status Prepare();

  // Before a decision of the generation is written: finds what was open.
  absl::Status Open(int64_t run, uint64_t generation);
  // A decision that was written, of the generation that was opened last for the run.
  absl::Status Add(int64_t run, const SeriesBucket& decision);

 private:
  struct Series {
    uint64_t generation = 0;
    // That of level k at k - 1. Its block is that of its first step.
    std::array<std::optional<SeriesBucket>, kSeriesLevels> open;
  };

  absl::Status Load(int64_t run, Series& series);
  absl::Status AddToLevel(int64_t run, const SeriesBucket& decision, int level, Series& series);
  absl::Status AddLate(int64_t run, uint64_t generation, const SeriesBucket& decision, int level);
  absl::Status Write(int64_t run, uint64_t generation, const SeriesBucket& bucket, int level);

  sqlite::Database& database_;
  sqlite::Statement replace_;
  // By the key of the run.
  absl::flat_hash_map<int64_t, Series> series_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_JOURNAL_SERIES_TABLE_H_
