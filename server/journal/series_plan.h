// Which rows of the table "buckets" answer for a range of steps: coarse ones in its middle, and
// finer ones down to single decisions at its ends, so that it is exact however long it is.
//
// Pure functions.
#ifndef LEHR_SERVER_JOURNAL_SERIES_PLAN_H_
#define LEHR_SERVER_JOURNAL_SERIES_PLAN_H_

#include <cstdint>
#include <vector>

#include "server/journal/series_table.h"

namespace lehr {

// Rows that are read for a bucket of the answer, at most, beside those at the ends. Fewer: a range
// that is just too long for a level has few buckets.
inline constexpr int64_t kRowsForPoint = 4;
// Whatever the points. A decision's row is larger than a bucket's.
inline constexpr int64_t kMaxBucketRows = 8000;
inline constexpr int64_t kMaxDecisionRows = 4000;

// Of a generation with decisions in `span`, the rows of the steps in [from, to], in their order,
// with run, generation and limit unset. `points`: >= 1.
std::vector<SeriesRows> PlanSeries(const SeriesSpan& span, int64_t from, int64_t to,
                                   uint32_t points);

}  // namespace lehr

#endif  // LEHR_SERVER_JOURNAL_SERIES_PLAN_H_
