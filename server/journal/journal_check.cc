#include "server/journal/journal_check.h"

#include <cstdint>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "lehr/v1/decision.pb.h"
#include "server/journal/command_outcomes.h"
#include "server/journal/journal.pb.h"
#include "server/journal/journal_rows.h"

namespace lehr {
namespace {

// By the key of the run.
using Counts = absl::btree_map<int64_t, CommandCounts>;

absl::Status CheckGenerations(sqlite::Database& database, Counts& counts) {
  return ForEachRow(database, "generations", "", [&](const sqlite::Statement& row) {
    counts.try_emplace(row.Integer(0));
    journal::v1::GenerationRecord record;
    return ParseColumn(row, 2, record);
  });
}

absl::Status CheckDecisions(sqlite::Database& database, Counts& counts) {
  return ForEachRow(database, "decisions", "", [&](const sqlite::Statement& row) {
    counts[row.Integer(0)].commands += row.Integer(3);
    v1::Decision decision;
    return ParseColumn(row, 4, decision);
  });
}

absl::Status CheckOutcomes(sqlite::Database& database, Counts& counts) {
  return ForEachRow(database, "outcomes", "", [&](const sqlite::Statement& row) {
    const RankCounts ranks = CountRanks(row.Bytes(3));
    CommandCounts& of_run = counts[row.Integer(0)];
    of_run.applied += ranks.applied > 0;
    of_run.skipped += ranks.skipped > 0;
    return absl::OkStatus();
  });
}

absl::Status CheckCheckpoints(sqlite::Database& database, Counts& counts) {
  return ForEachRow(database, "checkpoints", "", [&](const sqlite::Statement& row) {
    counts.try_emplace(row.Integer(0));
    return absl::OkStatus();
  });
}

absl::Status CheckBuckets(sqlite::Database& database, Counts& counts) {
  return ForEachRow(database, "buckets", "", [&](const sqlite::Statement& row) {
    counts.try_emplace(row.Integer(0));
    journal::v1::SeriesBucket bucket;
    return ParseColumn(row, 4, bucket);
  });
}

}  // namespace

absl::Status CheckJournalRows(sqlite::Database& database, const JournalTables& tables) {
  if (absl::Status status = database.FindDamage(sqlite::Database::Scan::kFull); !status.ok()) {
    return status;
  }
  Counts counts;
  for (auto check :
       {CheckGenerations, CheckDecisions, CheckOutcomes, CheckCheckpoints, CheckBuckets}) {
    if (absl::Status status = check(database, counts); !status.ok()) {
      return status;
    }
  }
  for (const RunRow& row : tables.runs()) {
    if (counts[row.run] != row.counts) {
      return absl::DataLossError(absl::StrCat(database.path(), ": the counts of run ", row.run_id,
                                              " are not those of its decisions and outcomes"));
    }
  }
  if (counts.size() != tables.runs().size()) {
    return absl::DataLossError(absl::StrCat(database.path(), ": rows belong to run ",
                                            counts.rbegin()->first, ", and there are only ",
                                            tables.runs().size(), " runs"));
  }
  return absl::OkStatus();
}

}  // namespace lehr
