// The page at "/": the runs as a table, plain HTML that reloads itself, without scripts.
#ifndef LEHR_SERVER_HTTP_RUNS_PAGE_H_
#define LEHR_SERVER_HTTP_RUNS_PAGE_H_

#include <string>
#include <string_view>

#include "lehr/v1/runs.pb.h"

namespace lehr {

// Everything that came from outside is escaped. Its style sheet is expected at "/style.css".
std::string RunsPage(const v1::ListRunsResponse& runs);

extern const std::string_view kRunsPageStyle;

}  // namespace lehr

#endif  // LEHR_SERVER_HTTP_RUNS_PAGE_H_
