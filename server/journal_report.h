// lehrd --check_journal: whether a journal is intact, and what is in it, for people.
#ifndef LEHR_SERVER_JOURNAL_REPORT_H_
#define LEHR_SERVER_JOURNAL_REPORT_H_

#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace lehr {

// Checks the journal in a data directory that no lehrd holds, or in a copy of one, and prints what
// is in it. Changes nothing. Errors: those of CheckJournal (server/journal/journal_check.h).
absl::Status ReportOnJournal(const std::string& data_dir, std::ostream& out);

}  // namespace lehr

#endif  // LEHR_SERVER_JOURNAL_REPORT_H_
