#include "client/cli/watch_frame.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cli/reason_text.h"
#include "client/cli/run_text.h"
#include "client/cli/table.h"

namespace lehr {
namespace {

// Colours of a terminal (ECMA-48, SGR).
enum class Tone { kPlain = 0, kBold = 1, kFaint = 2, kRed = 31, kGreen = 32, kYellow = 33 };

std::string Toned(const std::string& text, Tone tone, bool has_color) {
  return has_color && tone != Tone::kPlain
             ? absl::StrFormat("\033[%dm%s\033[0m", static_cast<int>(tone), text)
             : text;
}

// Exactly so many characters.
std::string Fit(std::string text, size_t width, bool to_the_right = false) {
  size_t length = TextWidth(text);
  if (length > width) {
    size_t end = text.size();
    for (; length >= width && end > 0; --length) {
      do {
        --end;
      } while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80);
    }
    text.resize(end);
    return width == 0 ? "" : text + "…";
  }
  const std::string padding(width - length, ' ');
  return to_the_right ? padding + text : text + padding;
}

std::string Line(const std::string& text, size_t width) {
  std::string line = Fit(text, width);
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

bool IsOver(const v1::Run& run) {
  return run.state() == v1::RUN_STATE_LEFT || run.state() == v1::RUN_STATE_ENDED;
}

bool NeedsAPerson(const v1::Run& run) {
  return !IsOver(run) && (run.state() == v1::RUN_STATE_SILENT || run.breaker_open() ||
                          run.has_replicas_differ_step());
}

Tone ToneOf(const v1::Run& run) {
  return NeedsAPerson(run)                     ? Tone::kRed
         : IsOver(run)                         ? Tone::kFaint
         : run.state() == v1::RUN_STATE_ACTIVE ? Tone::kGreen
                                               : Tone::kYellow;
}

std::string StateText(const v1::Run& run) {
  if (!IsOver(run)) {
    if (run.has_replicas_differ_step()) {
      return "DIFFERS";
    }
    if (run.breaker_open()) {
      return "BREAKER";
    }
  }
  return StateName(run.state());
}

std::string Measured(const v1::Run& run, double number) {
  return run.observation().count() == 0 ? "-" : absl::StrFormat("%.4g", number);
}

// ---- The fleet.

struct Column {
  const char* name;
  size_t width;
  bool to_the_right;
  // The greater, the later it is left out.
  int worth;
};

enum ColumnIndex { kRun, kState, kRanks, kStep, kTemperature, kGraph, kMean, kDead, kReason };

constexpr size_t kLongestRun = 28;
constexpr size_t kShortestReason = 16;

std::vector<Column> Columns(const Fleet& fleet) {
  size_t run = 3;
  for (const v1::Run& each : fleet.runs) {
    run = std::max(run, each.run_id().size());
  }
  return {{"RUN", std::min(run, kLongestRun), false, 9},
          {"STATE", 7, false, 8},
          {"RANKS", 7, true, 3},
          {"STEP", 9, true, 6},
          {"TEMP", 9, true, 7},
          {"", kFleetGraph, false, 5},
          {"MEAN", 9, true, 4},
          {"DEAD", 6, true, 2},
          {"NEWEST DECISION", kShortestReason, false, 1}};
}

size_t WidthOf(const std::vector<Column>& columns, const std::vector<int>& shown) {
  size_t width = 0;
  for (const int column : shown) {
    width += columns[column].width + 2;
  }
  return width - 2;
}

// Those that fit; the last one takes what is left.
std::vector<int> Choose(std::vector<Column>& columns, size_t width) {
  std::vector<int> shown(columns.size());
  std::iota(shown.begin(), shown.end(), 0);
  while (shown.size() > 1 && WidthOf(columns, shown) > width) {
    shown.erase(std::min_element(shown.begin(), shown.end(), [&](int a, int b) {
      return columns[a].worth < columns[b].worth;
    }));
  }
  if (shown.back() == kReason) {
    columns[kReason].width += width - WidthOf(columns, shown);
  } else if (shown.size() == 1) {
    columns[shown[0]].width = width;
  }
  return shown;
}

std::vector<std::string> Cells(const Fleet& fleet, const v1::Run& run) {
  const auto graph = fleet.temperatures.find(run.run_id());
  const uint64_t dead = run.observation().dead_examples();
  return {run.run_id(),
          StateText(run),
          absl::StrCat(run.connected(), "/", run.world_size()),
          run.step() < 0 ? "-" : absl::StrCat(run.step()),
          Measured(run, run.observation().temperature()),
          graph == fleet.temperatures.end() ? "" : graph->second.Text(),
          Measured(run, run.observation().mean()),
          dead == 0 ? "" : absl::StrCat(dead),
          run.step() < 0 ? "none yet" : ReasonText(run.reason())};
}

// The nearer to 0, the nearer to the top.
int Order(const v1::Run& run) { return NeedsAPerson(run) ? 0 : IsOver(run) ? 2 : 1; }

std::string FleetTitle(const Fleet& fleet, absl::Time now) {
  const auto count = [&](auto is) {
    return std::count_if(fleet.runs.begin(), fleet.runs.end(), is);
  };
  std::string title = absl::StrCat(
      fleet.runs.size(), " runs, ", count([](const v1::Run& run) { return Order(run) == 1; }),
      " at work, ", count(NeedsAPerson), " need a look, ", count(IsOver), " over");
  absl::StrAppend(&title, "  ", absl::FormatTime("%H:%M:%S", now, absl::LocalTimeZone()));
  return title;
}

// What is wrong with all of it, if something is.
std::string Warning(const std::string& trouble, bool acting_stopped) {
  return !trouble.empty() ? trouble
         : acting_stopped ? "All acting is stopped; `lehr stop-acting --resume` allows it again."
                          : "";
}

// ---- One run.

std::string Graph(const std::vector<v1::HistoryEntry>& history, size_t width,
                  double (v1::Observation::*number)() const) {
  Sparkline graph(width);
  for (const v1::HistoryEntry& entry : history) {
    graph.Add((entry.decision().observation().*number)());
  }
  return graph.Text();
}

}  // namespace

std::string FleetFrame(const Fleet& fleet, TerminalSize size, bool has_color, absl::Time now) {
  std::string frame = Toned(Line(FleetTitle(fleet, now), size.width), Tone::kBold, has_color);
  size_t rows = size.height - std::min<size_t>(size.height, 3);
  if (const std::string warning = Warning(fleet.trouble, fleet.acting_stopped); !warning.empty()) {
    frame += Toned(Line(warning, size.width), Tone::kRed, has_color);
    rows -= rows > 0 ? 1 : 0;
  }
  std::vector<Column> columns = Columns(fleet);
  const std::vector<int> shown = Choose(columns, size.width);
  const auto add_row = [&](const std::vector<std::string>& cells, Tone state, Tone rest) {
    std::string line;
    for (const int column : shown) {
      const bool is_last = column == shown.back();
      const std::string cell =
          Fit(cells[column], columns[column].width, columns[column].to_the_right);
      absl::StrAppend(&line, Toned(cell, column == kState ? state : rest, has_color),
                      is_last ? "" : "  ");
    }
    absl::StrAppend(&frame, line, "\n");
  };
  std::vector<std::string> header;
  for (const Column& column : columns) {
    header.emplace_back(column.name);
  }
  add_row(header, Tone::kFaint, Tone::kFaint);

  std::vector<const v1::Run*> runs;
  for (const v1::Run& run : fleet.runs) {
    runs.push_back(&run);
  }
  std::stable_sort(runs.begin(), runs.end(),
                   [](const v1::Run* a, const v1::Run* b) { return Order(*a) < Order(*b); });
  if (runs.size() > rows) {
    runs.resize(rows - std::min<size_t>(rows, 1));
  }
  for (const v1::Run* run : runs) {
    add_row(Cells(fleet, *run), ToneOf(*run), IsOver(*run) ? Tone::kFaint : Tone::kPlain);
  }
  if (runs.size() < fleet.runs.size() && rows > 0) {
    frame += Line(absl::StrCat("… and ", fleet.runs.size() - runs.size(), " more"), size.width);
  }
  return frame;
}

std::string RunFrame(const WatchedRun& watched, TerminalSize size, bool has_color, absl::Time now) {
  const v1::Run& run = watched.run;
  std::vector<std::string> lines;
  const auto add = [&](const std::string& text, Tone tone = Tone::kPlain) {
    lines.push_back(Toned(Line(text, size.width), tone, has_color));
  };
  add(absl::StrFormat("%s  %s, %d of %d ranks, step %d, last seen %s ago", run.run_id(),
                      StateText(run), run.connected(), run.world_size(), run.step(),
                      AgeText(now - LastSeen(run))),
      Tone::kBold);
  if (!watched.trouble.empty()) {
    add(watched.trouble, Tone::kRed);
  }
  constexpr size_t kLabel = 24;
  const size_t graph = size.width > 2 * kLabel ? size.width - kLabel : 0;
  add(absl::StrFormat("%-12s%10s  %s", "temperature",
                      Measured(run, run.observation().temperature()),
                      Graph(watched.history, graph, &v1::Observation::temperature)));
  add(absl::StrFormat("%-12s%10s  %s", "mean loss", Measured(run, run.observation().mean()),
                      Graph(watched.history, graph, &v1::Observation::mean)));
  for (const RunFact& fact : FactsOf(run, now)) {
    const std::string name = fact.name;
    if (name == "commands" || name == "dead" || name == "tied losses" || name == "policy" ||
        name == "REPLICAS") {
      add(absl::StrFormat("%-12s%s", fact.name, fact.text),
          name == "REPLICAS" ? Tone::kRed : Tone::kPlain);
    }
  }
  add("");
  add(DecisionHeader(), Tone::kFaint);
  // The last line of a terminal stays empty, or it would scroll.
  const size_t room = size.height > lines.size() + 1 ? size.height - lines.size() - 1 : 0;
  const size_t first = watched.history.size() - std::min(room, watched.history.size());
  for (size_t i = first; i < watched.history.size(); ++i) {
    const v1::Decision& decision = watched.history[i].decision();
    add(DecisionLine(decision, /*graph=*/""),
        decision.actions().empty() ? Tone::kPlain : Tone::kYellow);
  }
  lines.resize(std::min(lines.size(), std::max<size_t>(size.height, 2) - 1));
  return absl::StrJoin(lines, "");
}

}  // namespace lehr
