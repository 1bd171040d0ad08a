#include "server/journal/command_outcomes.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "server/journal/journal_rows.h"

namespace lehr {
namespace {

// The most ranks a run can have (lehr.v1.Join.world_size).
constexpr uint32_t kMaxRanks = 65536;

}  // namespace

RankCounts CountRanks(std::string_view results) {
  const auto count = [&](v1::CommandOutcome::Result result) {
    return static_cast<uint32_t>(
        std::count(results.begin(), results.end(), static_cast<char>(result)));
  };
  return {.applied = count(v1::CommandOutcome::RESULT_APPLIED),
          .skipped = count(v1::CommandOutcome::RESULT_SKIPPED) +
                     count(v1::CommandOutcome::RESULT_EXPIRED)};
}

absl::Status CommandOutcomes::Set(const Command& command, uint32_t rank,
                                  v1::CommandOutcome::Result result) {
  if (rank >= kMaxRanks) {
    return absl::InternalError(
        absl::StrCat("an outcome of rank ", rank, ", and ranks end at ", kMaxRanks - 1));
  }
  const auto [found, inserted] = changed_.try_emplace(command);
  if (inserted) {
    if (absl::Status status = Load(command, found->second); !status.ok()) {
      return status;
    }
  }
  std::string& results = found->second.after;
  if (results.size() <= rank) {
    results.resize(rank + 1, static_cast<char>(v1::CommandOutcome::RESULT_UNSPECIFIED));
  }
  results[rank] = static_cast<char>(result);
  return absl::OkStatus();
}

absl::Status CommandOutcomes::Load(const Command& command, Results& results) {
  return ForEachRow(
      database_, "outcomes", "WHERE run = ? AND generation = ? AND step = ?",
      [&](const sqlite::Statement& row) {
        results.before = std::string(row.Bytes(3));
        results.after = results.before;
        return absl::OkStatus();
      },
      command.run, static_cast<int64_t>(command.generation), command.step);
}

absl::Status CommandOutcomes::Write(
    absl::FunctionRef<void(int64_t, const RankCounts&, const RankCounts&)> changed) {
  absl::StatusOr<sqlite::Statement> replace =
      database_.Prepare("REPLACE INTO outcomes VALUES(?, ?, ?, ?, ?)");
  if (!replace.ok()) {
    return replace.status();
  }
  for (const auto& [command, results] : changed_) {
    absl::Status status =
        WriteRow(*replace, "outcomes", command.run, static_cast<int64_t>(command.generation),
                 command.step, sqlite::Blob{results.after});
    if (!status.ok()) {
      return status;
    }
    changed(command.run, CountRanks(results.before), CountRanks(results.after));
  }
  changed_.clear();
  return absl::OkStatus();
}

}  // namespace lehr
