#include "server/journal/journal_tables.h"

#include <string_view>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "server/journal/journal_rows.h"

namespace lehr {
namespace {

std::string Describe(const JournalKey& key) {
  return absl::StrCat("run ", key.run_id, ", generation ", key.generation, ", step ", key.step);
}

std::string Describe(std::string_view decision) {
  v1::Decision message;
  message.ParseFromArray(decision.data(), static_cast<int>(decision.size()));
  return message.ShortDebugString();
}

}  // namespace

absl::StatusOr<std::unique_ptr<JournalTables>> JournalTables::Load(sqlite::Database& database) {
  auto tables = std::unique_ptr<JournalTables>(new JournalTables(database));
  for (auto load : {&JournalTables::Prepare, &JournalTables::LoadState, &JournalTables::LoadRuns}) {
    if (absl::Status status = ((*tables).*load)(); !status.ok()) {
      return status;
    }
  }
  return tables;
}

absl::StatusOr<int64_t> JournalTables::FindRun(const std::string& run_id) const {
  const auto found = run_keys_.find(run_id);
  if (found == run_keys_.end()) {
    return absl::NotFoundError(absl::StrCat("the journal has no run ", run_id));
  }
  return found->second;
}

absl::Status JournalTables::Prepare() {
  const std::pair<sqlite::Statement*, std::string_view> statements[] = {
      {&replace_run_, "REPLACE INTO runs VALUES(?, ?, ?, ?, ?, ?, ?)"},
      {&replace_generation_, "REPLACE INTO generations VALUES(?, ?, ?, ?)"},
      {&insert_decision_,
       "INSERT INTO decisions VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"},
      {&replace_checkpoint_, "REPLACE INTO checkpoints VALUES(?, ?, ?, ?, ?, ?, ?)"},
      {&drop_oldest_checkpoints_,
       "DELETE FROM checkpoints WHERE run = ?1 AND sequence <= (SELECT sequence FROM checkpoints "
       "WHERE run = ?1 ORDER BY sequence DESC LIMIT 1 OFFSET ?2)"},
      {&replace_state_, "REPLACE INTO state VALUES(?, ?, ?, ?, ?, ?)"},
  };
  for (const auto& [statement, sql] : statements) {
    absl::StatusOr<sqlite::Statement> prepared = database_.Prepare(sql);
    if (!prepared.ok()) {
      return prepared.status();
    }
    *statement = *std::move(prepared);
  }
  return series_.Prepare();
}

absl::Status JournalTables::LoadState() {
  bool found = false;
  absl::Status status = ForEachRow(database_, "state", "", [&](const sqlite::Statement& row) {
    found = true;
    state_ = {.epoch = static_cast<uint64_t>(row.Integer(1)),
              .clean = row.Integer(2) != 0,
              .acting_stopped = row.Integer(3) != 0,
              .sequence = static_cast<uint64_t>(row.Integer(4))};
    return absl::OkStatus();
  });
  if (status.ok() && !found) {
    return absl::DataLossError(absl::StrCat(database_.path(), ": its state row is missing"));
  }
  return status;
}

absl::Status JournalTables::LoadRuns() {
  return ForEachRow(database_, "runs", "ORDER BY run", [&](const sqlite::Statement& row) {
    const int64_t run = row.Integer(0);
    if (run != static_cast<int64_t>(runs_.size()) + 1) {
      return absl::DataLossError(
          absl::StrCat(database_.path(), ": run ", run, " follows on run ", runs_.size()));
    }
    runs_.push_back({.run = run,
                     .run_id = std::string(row.Bytes(1)),
                     .record = std::string(row.Bytes(2)),
                     .counts = {.commands = static_cast<uint64_t>(row.Integer(3)),
                                .applied = static_cast<uint64_t>(row.Integer(4)),
                                .skipped = static_cast<uint64_t>(row.Integer(5))}});
    run_keys_[runs_.back().run_id] = run;
    return absl::OkStatus();
  });
}

absl::Status JournalTables::Commit(absl::Span<const JournalEntry> entries) {
  absl::Status status = database_.Execute("BEGIN IMMEDIATE");
  if (status.ok()) {
    status = WriteAll(entries);
  }
  if (status.ok()) {
    status = database_.Execute("COMMIT");
  }
  if (!status.ok()) {
    // SQLite may have rolled back by itself; either way nothing of the batch may stay.
    database_.Execute("ROLLBACK").IgnoreError();
  }
  return status;
}

absl::Status JournalTables::WriteAll(absl::Span<const JournalEntry> entries) {
  for (const JournalEntry& entry : entries) {
    ++state_.sequence;
    state_.clean = false;
    absl::Status status = std::visit([this](const auto& kind) { return Write(kind); }, entry);
    if (!status.ok()) {
      return status;
    }
  }
  for (auto write :
       {&JournalTables::WriteOutcomes, &JournalTables::WriteRuns, &JournalTables::WriteState}) {
    if (absl::Status status = (this->*write)(); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status JournalTables::Write(const RunEntry& entry) {
  const auto [found, inserted] =
      run_keys_.try_emplace(entry.run_id, static_cast<int64_t>(runs_.size()) + 1);
  if (inserted) {
    runs_.push_back({.run = found->second, .run_id = entry.run_id});
  }
  RunRow& row = RowOf(found->second);
  row.record = entry.record;
  row.changed = true;
  return absl::OkStatus();
}

absl::Status JournalTables::Write(const GenerationEntry& entry) {
  const absl::StatusOr<int64_t> run = FindRun(entry.run_id);
  if (!run.ok()) {
    return absl::InternalError(run.status().message());
  }
  return WriteRow(replace_generation_, "generations", *run, static_cast<int64_t>(entry.generation),
                  sqlite::Blob{entry.record});
}

absl::Status JournalTables::Write(const std::shared_ptr<const DecisionEntry>& entry) {
  const absl::StatusOr<int64_t> run = FindRun(entry->key.run_id);
  if (!run.ok()) {
    return absl::InternalError(run.status().message());
  }
  absl::Status status = series_.Open(*run, entry->key.generation);
  if (!status.ok()) {
    return status;
  }
  status =
      WriteRow(insert_decision_, "decisions", *run, static_cast<int64_t>(entry->key.generation),
               entry->key.step, int64_t{entry->commanding}, sqlite::Blob{entry->decision},
               sqlite::Blob{entry->policy_state}, int64_t{entry->acting});
  if (!status.ok()) {
    return status;
  }
  if (database_.changed_rows() == 0) {
    return CompareWithRecorded(*entry, *run);
  }
  if (entry->commanding) {
    RunRow& row = RowOf(*run);
    ++row.counts.commands;
    row.changed = true;
  }
  return series_.Add(*run, entry->series);
}

absl::Status JournalTables::CompareWithRecorded(const DecisionEntry& entry, int64_t run) {
  absl::StatusOr<sqlite::Statement> row =
      database_.Prepare("SELECT * FROM decisions WHERE run = ? AND generation = ? AND step = ?");
  if (!row.ok()) {
    return row.status();
  }
  absl::Status status = row->Start(run, static_cast<int64_t>(entry.key.generation), entry.key.step);
  if (status.ok()) {
    status = VerifyRow(*row, "decisions");
  }
  if (!status.ok() || (row->Bytes(4) == entry.decision && row->Bytes(5) == entry.policy_state)) {
    return status;
  }
  return absl::InternalError(absl::StrCat(
      "a second decision for ", Describe(entry.key), ": recorded {", Describe(row->Bytes(4)),
      "} with ", row->Bytes(5).size(), " bytes of policy state, now {", Describe(entry.decision),
      "} with ", entry.policy_state.size()));
}

absl::Status JournalTables::Write(const OutcomeEntry& entry) {
  const absl::StatusOr<int64_t> run = FindRun(entry.key.run_id);
  if (!run.ok()) {
    return absl::InternalError(run.status().message());
  }
  return outcomes_.Set({*run, entry.key.generation, entry.key.step}, entry.rank, entry.result);
}

absl::Status JournalTables::Write(const CheckpointEntry& entry) {
  const absl::StatusOr<int64_t> run = FindRun(entry.key.run_id);
  if (!run.ok()) {
    return absl::InternalError(run.status().message());
  }
  absl::Status status =
      WriteRow(replace_checkpoint_, "checkpoints", *run, static_cast<int64_t>(entry.key.generation),
               entry.key.step, int64_t{entry.branch}, static_cast<int64_t>(state_.sequence),
               sqlite::Blob{entry.policy_state});
  return status.ok() ? drop_oldest_checkpoints_.Run(*run, int64_t{kMaxCheckpoints}) : status;
}

absl::Status JournalTables::Write(const ActingStoppedEntry& entry) {
  state_.acting_stopped = entry.stopped;
  return absl::OkStatus();
}

absl::Status JournalTables::Write(const EpochEntry& entry) {
  if (state_.epoch <= entry.above) {
    state_.epoch = entry.above + 1;
  }
  return absl::OkStatus();
}

absl::Status JournalTables::Write(const CleanStopEntry&) {
  state_.clean = true;
  return absl::OkStatus();
}

absl::Status JournalTables::WriteOutcomes() {
  return outcomes_.Write([this](int64_t run, const RankCounts& before, const RankCounts& after) {
    RunRow& row = RowOf(run);
    row.counts.applied += (after.applied > 0) - (before.applied > 0);
    row.counts.skipped += (after.skipped > 0) - (before.skipped > 0);
    row.changed = true;
  });
}

absl::Status JournalTables::WriteRuns() {
  for (RunRow& row : runs_) {
    if (!row.changed) {
      continue;
    }
    const auto& [commands, applied, skipped] = row.counts;
    absl::Status status = WriteRow(replace_run_, "runs", row.run, std::string_view(row.run_id),
                                   sqlite::Blob{row.record}, static_cast<int64_t>(commands),
                                   static_cast<int64_t>(applied), static_cast<int64_t>(skipped));
    if (!status.ok()) {
      return status;
    }
    row.changed = false;
  }
  return absl::OkStatus();
}

absl::Status JournalTables::WriteState() {
  const int64_t epoch = static_cast<int64_t>(state_.epoch);
  return WriteRow(replace_state_, "state", int64_t{1}, epoch, int64_t{state_.clean},
                  int64_t{state_.acting_stopped}, static_cast<int64_t>(state_.sequence));
}

}  // namespace lehr
