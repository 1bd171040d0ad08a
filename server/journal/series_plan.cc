#include "server/journal/series_plan.h"

#include <algorithm>

namespace lehr {
namespace {

int64_t RoundedDown(int64_t step, int level) {
  return step >> SeriesShift(level) << SeriesShift(level);
}

int64_t RoundedUp(int64_t step, int level) {
  return RoundedDown(step + (int64_t{1} << SeriesShift(level)) - 1, level);
}

bool IsFineEnough(int64_t steps, int level, int64_t points) {
  const int64_t rows = steps >> SeriesShift(level);
  return rows <= std::min(kRowsForPoint * points, level == 0 ? kMaxDecisionRows : kMaxBucketRows);
}

}  // namespace

std::vector<SeriesRows> PlanSeries(const SeriesSpan& span, int64_t from, int64_t to,
                                   uint32_t points) {
  from = std::max(from, span.first_step);
  to = std::min(to, span.last_step);
  if (from > to) {
    return {};
  }
  int top = 0;
  while (top < kSeriesLevels && !IsFineEnough(to - from + 1, top, points)) {
    ++top;
  }
  // Where the rows of a level end for this range: at its last whole block that is not open.
  const auto end_of = [&](int level) {
    return level == 0 ? to + 1
                      : std::min(RoundedDown(to + 1, level), RoundedDown(span.last_step, level));
  };
  std::vector<SeriesRows> plan;
  int64_t at = from;
  const auto read_until = [&](int level, int64_t end) {
    if (end > at) {
      plan.push_back({.level = level, .from = at, .end = end});
      at = end;
    }
  };
  for (int level = 0; level < top; ++level) {
    read_until(level, std::min(RoundedUp(at, level + 1), end_of(level)));
  }
  for (int level = top; level >= 0; --level) {
    read_until(level, end_of(level));
  }
  return plan;
}

}  // namespace lehr
