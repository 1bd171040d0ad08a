#include "server/journal/series_table.h"

#include <limits>
#include <utility>

#include "server/journal/journal_rows.h"

namespace lehr {
namespace {

constexpr int64_t kNoEnd = std::numeric_limits<int64_t>::max();

int64_t BlockOf(const SeriesBucket& bucket, int level) {
  return bucket.first_step >> SeriesShift(level);
}

// Where the first block begins that has no row at this level or beyond one that has.
absl::StatusOr<int64_t> EndOfRows(sqlite::Database& database, int64_t run, uint64_t generation,
                                  int level) {
  absl::StatusOr<sqlite::Statement> newest = database.Prepare(
      "SELECT max(block) FROM buckets WHERE run = ? AND generation = ? AND level = ?");
  if (!newest.ok()) {
    return newest.status();
  }
  absl::Status status = newest->Start(run, static_cast<int64_t>(generation), int64_t{level});
  if (!status.ok()) {
    return status;
  }
  // No row: max is NULL.
  return newest->IsInteger(0) ? (newest->Integer(0) + 1) << SeriesShift(level) : int64_t{0};
}

}  // namespace

absl::StatusOr<std::vector<SeriesBucket>> ReadSeriesRows(sqlite::Database& database,
                                                         const SeriesRows& rows) {
  std::vector<SeriesBucket> buckets;
  absl::Status status;
  if (rows.level == 0) {
    v1::Decision decision;
    status = ForEachRow(
        database, "decisions",
        "WHERE run = ? AND generation = ? AND step >= ? AND step < ? ORDER BY step LIMIT ?",
        [&](const sqlite::Statement& row) {
          absl::Status parsed = ParseColumn(row, 4, decision);
          buckets.push_back(BucketOf(decision));
          return parsed;
        },
        rows.run, static_cast<int64_t>(rows.generation), rows.from, rows.end,
        static_cast<int64_t>(rows.limit));
  } else {
    journal::v1::SeriesBucket record;
    status = ForEachRow(
        database, "buckets",
        "WHERE run = ? AND generation = ? AND level = ? AND block >= ? AND block < ? "
        "ORDER BY block LIMIT ?",
        [&](const sqlite::Statement& row) {
          absl::Status parsed = ParseColumn(row, 4, record);
          buckets.push_back(FromRecord(record));
          return parsed;
        },
        rows.run, static_cast<int64_t>(rows.generation), int64_t{rows.level},
        rows.from >> SeriesShift(rows.level), rows.end >> SeriesShift(rows.level),
        static_cast<int64_t>(rows.limit));
  }
  if (!status.ok()) {
    return status;
  }
  return buckets;
}

absl::StatusOr<std::optional<SeriesSpan>> ReadSeriesSpan(sqlite::Database& database, int64_t run,
                                                         uint64_t generation) {
  // Two seeks each: SQLite takes min and max from the ends of the index only one at a time.
  absl::StatusOr<sqlite::Statement> span = database.Prepare(
      "SELECT (SELECT min(step) FROM decisions WHERE run = ?1 AND generation = ?2), "
      "(SELECT max(step) FROM decisions WHERE run = ?1 AND generation = ?2)");
  if (!span.ok()) {
    return span.status();
  }
  if (absl::Status status = span->Start(run, static_cast<int64_t>(generation)); !status.ok()) {
    return status;
  }
  if (!span->IsInteger(0)) {
    return std::optional<SeriesSpan>();
  }
  return std::optional(SeriesSpan{.first_step = span->Integer(0), .last_step = span->Integer(1)});
}

absl::Status SeriesTable::Prepare() {
  absl::StatusOr<sqlite::Statement> replace =
      database_.Prepare("REPLACE INTO buckets VALUES(?, ?, ?, ?, ?, ?)");
  if (!replace.ok()) {
    return replace.status();
  }
  replace_ = *std::move(replace);
  return absl::OkStatus();
}

absl::Status SeriesTable::Open(int64_t run, uint64_t generation) {
  if (series_.size() >= kMaxOpenSeries && !series_.contains(run)) {
    series_.erase(series_.begin());
  }
  Series& series = series_[run];
  if (series.generation == generation) {
    return absl::OkStatus();
  }
  series = {.generation = generation};
  return Load(run, series);
}

absl::Status SeriesTable::Load(int64_t run, Series& series) {
  const std::optional<SeriesBucket>* below = nullptr;
  for (int level = 1; level <= kSeriesLevels; ++level) {
    const absl::StatusOr<int64_t> from = EndOfRows(database_, run, series.generation, level);
    if (!from.ok()) {
      return from.status();
    }
    const absl::StatusOr<std::vector<SeriesBucket>> parts =
        ReadSeriesRows(database_, {.run = run,
                                   .generation = series.generation,
                                   .level = level - 1,
                                   .from = *from,
                                   .end = kNoEnd,
                                   .limit = 8});
    if (!parts.ok()) {
      return parts.status();
    }
    std::optional<SeriesBucket>& open = series.open[level - 1];
    const auto add = [&open](const SeriesBucket& part) {
      if (open) {
        Merge(part, *open);
      } else {
        open = part;
      }
    };
    for (const SeriesBucket& part : *parts) {
      add(part);
    }
    if (below != nullptr && *below) {
      add(**below);
    }
    below = &open;
  }
  return absl::OkStatus();
}

absl::Status SeriesTable::Add(int64_t run, const SeriesBucket& decision) {
  Series& series = series_[run];
  for (int level = 1; level <= kSeriesLevels; ++level) {
    if (absl::Status status = AddToLevel(run, decision, level, series); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status SeriesTable::AddToLevel(int64_t run, const SeriesBucket& decision, int level,
                                     Series& series) {
  std::optional<SeriesBucket>& open = series.open[level - 1];
  const int64_t block = BlockOf(decision, level);
  if (open && block < BlockOf(*open, level)) {
    return AddLate(run, series.generation, decision, level);
  }
  if (open && block == BlockOf(*open, level)) {
    Merge(decision, *open);
    return absl::OkStatus();
  }
  absl::Status status = open ? Write(run, series.generation, *open, level) : absl::OkStatus();
  open = decision;
  return status;
}

absl::Status SeriesTable::AddLate(int64_t run, uint64_t generation, const SeriesBucket& decision,
                                  int level) {
  const int64_t block = BlockOf(decision, level);
  absl::StatusOr<std::vector<SeriesBucket>> rows =
      ReadSeriesRows(database_, {.run = run,
                                 .generation = generation,
                                 .level = level,
                                 .from = block << SeriesShift(level),
                                 .end = (block + 1) << SeriesShift(level),
                                 .limit = 1});
  if (!rows.ok()) {
    return rows.status();
  }
  SeriesBucket bucket = decision;
  if (!rows->empty()) {
    bucket = rows->front();
    Merge(decision, bucket);
  }
  return Write(run, generation, bucket, level);
}

absl::Status SeriesTable::Write(int64_t run, uint64_t generation, const SeriesBucket& bucket,
                                int level) {
  const std::string record = ToRecord(bucket).SerializeAsString();
  return WriteRow(replace_, "buckets", run, static_cast<int64_t>(generation), int64_t{level},
                  BlockOf(bucket, level), sqlite::Blob{record});
}

}  // namespace lehr
