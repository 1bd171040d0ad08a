#include "server/journal/journal_check.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "lehr/v1/decision.pb.h"
#include "server/journal/command_outcomes.h"
#include "server/journal/data_directory.h"
#include "server/journal/journal.pb.h"
#include "server/journal/journal_file.h"
#include "server/journal/journal_rows.h"

namespace lehr {
namespace {

// What the rows of a run come to.
struct RowsOfRun {
  CommandCounts counts;
  int64_t decisions = 0;
  std::optional<HistoryPosition> newest;
};

// By the key of the run.
using Rows = absl::btree_map<int64_t, RowsOfRun>;

absl::Status CheckGenerations(sqlite::Database& database, Rows& rows) {
  return ForEachRow(database, "generations", "", [&](const sqlite::Statement& row) {
    rows.try_emplace(row.Integer(0));
    journal::v1::GenerationRecord record;
    return ParseColumn(row, 2, record);
  });
}

absl::Status CheckDecisions(sqlite::Database& database, Rows& rows) {
  return ForEachRow(database, "decisions", "", [&](const sqlite::Statement& row) {
    RowsOfRun& of_run = rows[row.Integer(0)];
    of_run.counts.commands += row.Integer(3);
    ++of_run.decisions;
    // Rows come in the order of their key.
    of_run.newest = {static_cast<uint64_t>(row.Integer(1)), row.Integer(2)};
    v1::Decision decision;
    return ParseColumn(row, 4, decision);
  });
}

absl::Status CheckOutcomes(sqlite::Database& database, Rows& rows) {
  return ForEachRow(database, "outcomes", "", [&](const sqlite::Statement& row) {
    const RankCounts ranks = CountRanks(row.Bytes(3));
    CommandCounts& counts = rows[row.Integer(0)].counts;
    counts.applied += ranks.applied > 0;
    counts.skipped += ranks.skipped > 0;
    return absl::OkStatus();
  });
}

absl::Status CheckCheckpoints(sqlite::Database& database, Rows& rows) {
  return ForEachRow(database, "checkpoints", "", [&](const sqlite::Statement& row) {
    rows.try_emplace(row.Integer(0));
    return absl::OkStatus();
  });
}

absl::Status CheckBuckets(sqlite::Database& database, Rows& rows) {
  return ForEachRow(database, "buckets", "", [&](const sqlite::Statement& row) {
    rows.try_emplace(row.Integer(0));
    journal::v1::SeriesBucket bucket;
    return ParseColumn(row, 4, bucket);
  });
}

absl::StatusOr<std::vector<JournalSummary::Run>> CheckRows(sqlite::Database& database,
                                                           const JournalTables& tables) {
  if (absl::Status status = database.FindDamage(sqlite::Database::Scan::kFull); !status.ok()) {
    return status;
  }
  Rows rows;
  for (auto check :
       {CheckGenerations, CheckDecisions, CheckOutcomes, CheckCheckpoints, CheckBuckets}) {
    if (absl::Status status = check(database, rows); !status.ok()) {
      return status;
    }
  }
  std::vector<JournalSummary::Run> runs;
  for (const RunRow& row : tables.runs()) {
    const RowsOfRun& of_run = rows[row.run];
    if (of_run.counts != row.counts) {
      return absl::DataLossError(absl::StrCat(database.path(), ": the counts of run ", row.run_id,
                                              " are not those of its decisions and outcomes"));
    }
    runs.push_back({row.run_id, of_run.decisions, of_run.newest});
  }
  if (rows.size() != tables.runs().size()) {
    return absl::DataLossError(absl::StrCat(database.path(), ": rows belong to run ",
                                            rows.rbegin()->first, ", and there are only ",
                                            tables.runs().size(), " runs"));
  }
  return runs;
}

uint64_t SizeOf(const std::string& path) {
  std::error_code missing;
  const uint64_t size = std::filesystem::file_size(path, missing);
  return missing ? 0 : size;
}

std::vector<std::string> OtherFiles(const JournalPaths& paths) {
  std::set<std::string> names;
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator(paths.data_dir, unreadable)) {
    names.insert(entry.path().filename().string());
  }
  for (const std::string& known :
       {paths.database, paths.log, paths.mark, LockPath(paths.data_dir)}) {
    names.erase(std::filesystem::path(known).filename().string());
  }
  return {names.begin(), names.end()};
}

// SQLite locks a file by what only writers may do, and opens a log, though it writes nothing.
absl::Status CheckWritable(const JournalPaths& paths) {
  for (const std::string& path : {paths.data_dir, paths.database}) {
    if (faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0 && errno != ENOENT) {
      return absl::ErrnoToStatus(
          errno, absl::StrCat(path,
                              " must be writable to be checked, though nothing is written; "
                              "check a copy elsewhere"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<JournalSummary> CheckJournal(const std::string& data_dir) {
  const JournalPaths paths(data_dir);
  const absl::StatusOr<DirectoryLock> lock = DirectoryLock::AcquireToRead(paths.data_dir);
  if (!lock.ok()) {
    return lock.status();
  }
  if (absl::Status status = CheckWritable(paths); !status.ok()) {
    return status;
  }
  // SQLite makes a log as soon as it reads.
  std::error_code error;
  absl::Cleanup remove_log = [&paths, had_log = std::filesystem::exists(paths.log, error)] {
    if (std::error_code ignored; !had_log) {
      std::filesystem::remove(paths.log, ignored);
    }
  };
  const absl::StatusOr<JournalFile> file = OpenJournalFile(paths);
  if (!file.ok()) {
    return WithAdvice(file.status(), paths);
  }
  absl::StatusOr<std::vector<JournalSummary::Run>> runs = CheckRows(*file->database, *file->tables);
  if (!runs.ok()) {
    return WithAdvice(runs.status(), paths);
  }
  return JournalSummary{.state = file->tables->state(),
                        .runs = *std::move(runs),
                        .size = SizeOf(paths.database) + SizeOf(paths.log),
                        .other_files = OtherFiles(paths)};
}

}  // namespace lehr
