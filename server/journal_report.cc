#include "server/journal_report.h"

#include "absl/strings/str_join.h"
#include "server/journal/journal_check.h"
#include "server/journal/journal_schema.h"

namespace lehr {

absl::Status ReportOnJournal(const std::string& data_dir, std::ostream& out) {
  const absl::StatusOr<JournalSummary> journal = CheckJournal(data_dir);
  if (!journal.ok()) {
    return journal.status();
  }
  out << data_dir << ": the journal is intact\n"
      << "  schema version " << kJournalSchemaVersion << ", " << journal->size << " bytes, "
      << journal->state.sequence << " entries, epoch " << journal->state.epoch << "\n"
      << (journal->state.clean ? "  lehrd stopped cleanly"
                               : "  lehrd did not stop cleanly, or this is a copy of a running one")
      << (journal->state.acting_stopped ? "; all acting is stopped\n" : "\n");
  if (!journal->other_files.empty()) {
    out << "  not lehrd's, and not looked at: " << absl::StrJoin(journal->other_files, ", ")
        << "\n";
  }
  for (const JournalSummary::Run& run : journal->runs) {
    out << "run " << run.run_id << ": " << run.decisions << " decisions";
    if (run.newest) {
      out << ", the newest of generation " << run.newest->generation << ", step "
          << run.newest->step;
    }
    out << "\n";
  }
  return absl::OkStatus();
}

}  // namespace lehr
