#include "server/http/runs_page.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"

namespace lehr {
namespace {

constexpr char kHead[] = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="5">
<link rel="stylesheet" href="/style.css">
<title>Lehr</title>
</head>
<body>
<h1>Lehr</h1>
)";

constexpr char kTableHead[] = R"(<table>
<thead>
<tr><th>run</th><th>state</th><th>generation</th><th>ranks</th><th>step</th>
<th>temperature</th><th>imbalance</th><th>mean loss</th><th>known</th><th>dead examples</th>
<th>newest decision</th><th>applied</th><th>skipped</th><th>last seen (UTC)</th></tr>
</thead>
<tbody>
)";

std::string Escaped(absl::string_view text) {
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

// For a part of a URL's path or query.
std::string UrlEscaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_') {
      escaped.push_back(c);
    } else {
      absl::StrAppendFormat(&escaped, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

// "no losses" for CODE_NO_LOSSES.
std::string Words(const std::string& enum_name, absl::string_view prefix) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(absl::StripPrefix(enum_name, prefix)),
                             {{"_", " "}});
}

std::string Cell(absl::string_view html) { return absl::StrCat("<td>", html, "</td>"); }

std::string NumberCell(absl::string_view html) {
  return absl::StrCat("<td class=\"number\">", html, "</td>");
}

// How many, and the ids of the first; all that are known in the cell's title.
std::string DeadCell(const v1::Observation& observation) {
  constexpr int kShown = 4;
  std::string shown;
  std::string all;
  for (int i = 0; i < observation.dead_size(); ++i) {
    const std::string id = absl::StrCat(i == 0 ? "" : ", ", observation.dead(i).example_id());
    absl::StrAppend(&all, id);
    absl::StrAppend(&shown, i < kShown ? id : "");
  }
  if (all.empty()) {
    return NumberCell(absl::StrCat(observation.dead_examples()));
  }
  const bool more = observation.dead_examples() > kShown;
  return absl::StrCat("<td class=\"number\" title=\"examples ", all, "\">",
                      observation.dead_examples(), " (", shown, more ? ", …" : "", ")</td>");
}

std::string Row(const v1::Run& run) {
  const std::string address = absl::StrCat("/api/v1/runs/", UrlEscaped(run.run_id()));
  const bool decided = run.step() >= 0;
  const bool of_dataset = decided && run.settings().scope() == v1::LOSS_SCOPE_DATASET;
  const auto measured = [&](double value) {
    return NumberCell(decided ? absl::StrFormat("%.4g", value) : "");
  };
  const absl::Time last_seen = absl::FromUnixSeconds(run.last_seen().seconds());
  return absl::StrCat(
      "<tr>", Cell(absl::StrCat("<a href=\"", address, "\">", Escaped(run.run_id()), "</a>")),
      Cell(absl::StrCat(Words(v1::RunState_Name(run.state()), "RUN_STATE_"),
                        run.has_replicas_differ_step()
                            ? ", <span class=\"warning\">replicas differ</span>"
                            : "")),
      NumberCell(absl::StrCat(run.generation())),
      NumberCell(absl::StrCat(run.connected(), " / ", run.world_size())),
      NumberCell(decided ? absl::StrCat(run.step()) : ""),
      measured(run.observation().temperature()), measured(run.observation().imbalance()),
      measured(run.observation().mean()),
      NumberCell(of_dataset ? absl::StrFormat("%.4g %%", 100 * run.observation().coverage()) : ""),
      of_dataset ? DeadCell(run.observation()) : NumberCell(""),
      Cell(decided
               ? absl::StrCat("<a href=\"", address, "/history\">",
                              Words(v1::Reason::Code_Name(run.reason().code()), "CODE_"), "</a>")
               : ""),
      NumberCell(absl::StrCat(run.applied())), NumberCell(absl::StrCat(run.skipped())),
      Cell(absl::FormatTime("%Y-%m-%d %H:%M:%S", last_seen, absl::UTCTimeZone())), "</tr>\n");
}

}  // namespace

std::string RunsPage(const v1::ListRunsResponse& runs) {
  std::string page = kHead;
  if (runs.acting_stopped()) {
    absl::StrAppend(&page, "<p class=\"warning\">All acting is stopped.</p>\n");
  }
  if (runs.runs().empty()) {
    absl::StrAppend(&page, "<p>No runs yet.</p>\n");
  } else {
    absl::StrAppend(&page, kTableHead);
    for (const v1::Run& run : runs.runs()) {
      absl::StrAppend(&page, Row(run));
    }
    absl::StrAppend(&page, "</tbody>\n</table>\n");
  }
  if (!runs.next_page_token().empty()) {
    absl::StrAppend(&page, "<p><a href=\"/?page_token=", UrlEscaped(runs.next_page_token()),
                    "\">older runs</a></p>\n");
  }
  absl::StrAppend(
      &page, "<p><a href=\"/api/v1/runs\">as JSON</a> · <a href=\"/metrics\">metrics</a></p>\n",
      "</body>\n</html>\n");
  return page;
}

const std::string_view kRunsPageStyle = R"(:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem; color: #1c2024; background: #fcfcfd; }
table { border-collapse: collapse; }
th, td { padding: 0.25rem 0.75rem; text-align: left; border-bottom: 1px solid #d0d4d9; }
td { white-space: nowrap; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
a { color: #0b57a4; }
.warning { color: #b3261e; font-weight: bold; }
@media (prefers-color-scheme: dark) {
  body { color: #e6e8ea; background: #16181b; }
  th, td { border-bottom-color: #3a3f45; }
  a { color: #7db8ff; }
  .warning { color: #ff8a80; }
}
)";

}  // namespace lehr
