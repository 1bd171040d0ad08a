#include "server/journal/journal_reader.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/journal/command_outcomes.h"
#include "server/journal/journal_rows.h"

namespace lehr {
namespace {

constexpr uint64_t kNoGeneration = std::numeric_limits<uint64_t>::max();

absl::Status ReadGenerations(sqlite::Database& database, int64_t run, RecoveredRun& recovered) {
  auto& generations = recovered.generations;
  absl::Status status = ForEachRow(
      database, "generations", "WHERE run = ? ORDER BY generation DESC LIMIT ?",
      [&](const sqlite::Statement& row) {
        absl::Status parsed = ParseColumn(row, 2, generations.emplace_back());
        if (generations.size() > 1) {
          // Up to 34 MB each, and of use only while the generation is the current one.
          generations.back().clear_tensors();
        }
        return parsed;
      },
      run, int64_t{kMaxRecoveredGenerations});
  std::reverse(generations.begin(), generations.end());
  return status;
}

absl::Status ReadNewestDecision(sqlite::Database& database, int64_t run, RecoveredRun& recovered) {
  return ForEachRow(
      database, "decisions", "WHERE run = ? AND generation = ? ORDER BY step DESC LIMIT 1",
      [&](const sqlite::Statement& row) {
        recovered.newest.emplace().policy_state = std::string(row.Bytes(5));
        return ParseColumn(row, 4, recovered.newest->decision);
      },
      run, static_cast<int64_t>(recovered.run.generation()));
}

absl::Status ReadCheckpoints(sqlite::Database& database, int64_t run, RecoveredRun& recovered) {
  return ForEachRow(
      database, "checkpoints", "WHERE run = ? ORDER BY generation, step",
      [&](const sqlite::Statement& row) {
        recovered.checkpoints.push_back({.generation = static_cast<uint64_t>(row.Integer(1)),
                                         .step = row.Integer(2),
                                         .branch = static_cast<uint32_t>(row.Integer(3)),
                                         .policy_state = std::string(row.Bytes(5))});
        return absl::OkStatus();
      },
      run);
}

absl::Status CountOutcomes(sqlite::Database& database, int64_t run, v1::HistoryEntry& entry) {
  return ForEachRow(
      database, "outcomes", "WHERE run = ? AND generation = ? AND step = ?",
      [&](const sqlite::Statement& row) {
        const RankCounts ranks = CountRanks(row.Bytes(3));
        entry.set_applied(ranks.applied);
        entry.set_skipped(ranks.skipped);
        return absl::OkStatus();
      },
      run, static_cast<int64_t>(entry.decision().generation()), entry.decision().step());
}

// The generation next to this one, above or below it, that has a decision; kNoGeneration: none.
absl::StatusOr<uint64_t> NextGeneration(sqlite::Database& database, int64_t run,
                                        uint64_t generation, bool newest_first) {
  absl::StatusOr<sqlite::Statement> row = database.Prepare(
      newest_first ? "SELECT generation FROM decisions WHERE run = ? AND generation < ? "
                     "ORDER BY generation DESC LIMIT 1"
                   : "SELECT generation FROM decisions WHERE run = ? AND generation > ? "
                     "ORDER BY generation LIMIT 1");
  if (!row.ok()) {
    return row.status();
  }
  if (absl::Status status = row->Start(run, static_cast<int64_t>(generation)); !status.ok()) {
    return status;
  }
  return row->HasRow() ? static_cast<uint64_t>(row->Integer(0)) : kNoGeneration;
}

// Which index has just the decisions that are asked for, and the condition that it is for.
std::pair<const char*, const char*> IndexFor(const HistoryQuery& query) {
  if (query.only_acts) {
    return {"INDEXED BY acts ", "AND acting = 1 "};
  }
  if (query.only_commands) {
    return {"INDEXED BY commands ", "AND commanding = 1 "};
  }
  return {"", ""};
}

// Appends up to `limit` decisions of one generation, with steps in [first, last].
absl::Status ReadDecisions(sqlite::Database& database, int64_t run, uint64_t generation,
                           int64_t first, int64_t last, const HistoryQuery& query, size_t limit,
                           std::vector<v1::HistoryEntry>& entries) {
  const auto [index, condition] = IndexFor(query);
  return ForEachRow(
      database, "decisions",
      absl::StrCat(index, "WHERE run = ? AND generation = ? AND step BETWEEN ? AND ? ", condition,
                   "ORDER BY step ", query.newest_first ? "DESC " : "", "LIMIT ?"),
      [&](const sqlite::Statement& row) {
        return ParseColumn(row, 4, *entries.emplace_back().mutable_decision());
      },
      run, static_cast<int64_t>(generation), first, last, static_cast<int64_t>(limit));
}

// Appends up to limit decisions in the order of (generation, step), or its reverse.
absl::Status ReadDecisions(sqlite::Database& database, int64_t run, const HistoryQuery& query,
                           size_t limit, std::vector<v1::HistoryEntry>& entries) {
  uint64_t generation = query.generation;
  if (generation == 0) {
    generation = query.after          ? query.after->generation
                 : query.newest_first ? uint64_t{std::numeric_limits<int64_t>::max()}
                                      : 0;
  }
  while (generation != kNoGeneration && entries.size() < limit) {
    int64_t first = query.from_step;
    int64_t last = std::numeric_limits<int64_t>::max();
    if (query.after && query.after->generation == generation) {
      if (query.newest_first) {
        last = query.after->step - 1;
      } else {
        first = std::max(first, query.after->step + 1);
      }
    }
    absl::Status status = ReadDecisions(database, run, generation, first, last, query,
                                        limit - entries.size(), entries);
    if (!status.ok()) {
      return status;
    }
    if (query.generation != 0) {
      break;
    }
    const absl::StatusOr<uint64_t> next =
        NextGeneration(database, run, generation, query.newest_first);
    if (!next.ok()) {
      return next.status();
    }
    generation = *next;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RecoveredState> ReadRecoveredState(sqlite::Database& database,
                                                  const JournalTables& tables) {
  RecoveredState state = {.acting_stopped = tables.state().acting_stopped};
  for (const RunRow& row : tables.runs()) {
    RecoveredRun& recovered = state.runs.emplace_back();
    recovered.counts = row.counts;
    if (!recovered.run.ParseFromString(row.record)) {
      return absl::DataLossError(
          absl::StrCat(database.path(), ": the row of run ", row.run_id, " holds no RunRecord"));
    }
    for (auto read : {ReadGenerations, ReadNewestDecision, ReadCheckpoints}) {
      if (absl::Status status = read(database, row.run, recovered); !status.ok()) {
        return status;
      }
    }
  }
  return state;
}

absl::StatusOr<HistoryPage> ReadHistoryPage(sqlite::Database& database, int64_t run,
                                            const HistoryQuery& query) {
  if (query.limit == 0) {
    return absl::InvalidArgumentError("a page of history needs a limit of at least 1, not 0");
  }
  HistoryPage page;
  // One more than asked for tells whether there is a next page.
  absl::Status status = ReadDecisions(database, run, query, query.limit + 1, page.entries);
  if (page.entries.size() > query.limit) {
    page.entries.pop_back();
    const v1::Decision& last = page.entries.back().decision();
    page.next = {.generation = last.generation(), .step = last.step()};
  }
  for (auto entry = page.entries.begin(); status.ok() && entry != page.entries.end(); ++entry) {
    status = CountOutcomes(database, run, *entry);
  }
  if (!status.ok()) {
    return status;
  }
  return page;
}

absl::StatusOr<std::optional<RecordedDecision>> ReadDecision(sqlite::Database& database,
                                                             int64_t run, uint64_t generation,
                                                             int64_t step) {
  std::optional<RecordedDecision> decision;
  absl::Status status = ForEachRow(
      database, "decisions", "WHERE run = ? AND generation = ? AND step = ?",
      [&](const sqlite::Statement& row) {
        decision.emplace().policy_state = std::string(row.Bytes(5));
        return ParseColumn(row, 4, decision->decision);
      },
      run, static_cast<int64_t>(generation), step);
  if (!status.ok()) {
    return status;
  }
  return decision;
}

}  // namespace lehr
