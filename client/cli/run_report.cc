#include "client/cli/run_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/action_text.h"
#include "client/cli/html.h"
#include "client/cli/reason_text.h"
#include "client/cli/run_text.h"
#include "client/cli/svg_chart.h"

namespace lehr {
namespace {

// No byte of the page comes from elsewhere, and nothing in it runs.
constexpr char kHead[] = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>%s · Lehr</title>
<style>
:root { --back: #ffffff; --card: #f6f7f9; --text: #1b1f24; --soft: #5b6470; --line: #dfe3e8;
  --hot: #c2410c; --mean: #1d4ed8; --square: #7c3aed; --max: #8b95a1; --even: #0f766e;
  --perturb: #dc2626; --identity: #0e7490; --restore: #b45309; --learning-rate: #7c3aed;
  --snapshot: #15803d; --withheld: #64748b; }
@media (prefers-color-scheme: dark) {
  :root { --back: #14171b; --card: #1d2127; --text: #e6e9ed; --soft: #9aa4b0; --line: #343b44;
    --hot: #fb923c; --mean: #7aa5ff; --square: #b99cff; --max: #7d8794; --even: #2dd4bf;
    --perturb: #f87171; --identity: #22d3ee; --restore: #fbbf24; --learning-rate: #c4b5fd;
    --snapshot: #4ade80; --withheld: #94a3b8; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 70rem; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; overflow-wrap: anywhere; }
h2 { margin: 2.2rem 0 .6rem; font-size: 1.15rem; }
p.about { margin: .2rem 0 1.2rem; color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .7rem; margin: 0; padding: 0; list-style: none; }
.tiles li { padding: .7rem .9rem; border-radius: .5rem; background: var(--card); }
.tiles span { display: block; color: var(--soft); font-size: .85rem; }
.tiles b { font-size: 1.25rem; font-variant-numeric: tabular-nums; }
figure { margin: 0 0 1.2rem; }
figcaption { margin-bottom: .2rem; font-weight: 600; }
figcaption span { margin-left: .9rem; color: var(--soft); font-weight: 400; font-size: .85rem; }
i { display: inline-block; width: 1.1em; height: .2em; margin-right: .35em; vertical-align: middle; background: currentColor; }
i.tick { width: .18em; height: 1em; }
svg { display: block; width: 100%%; height: auto; }
svg text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
text.left { text-anchor: end; dominant-baseline: middle; }
text.below { text-anchor: middle; }
path { fill: none; stroke-width: 1.4; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
path.grid { stroke: var(--line); stroke-width: 1; }
path.temperature { stroke: var(--hot); } i.temperature { color: var(--hot); }
path.mean { stroke: var(--mean); } i.mean { color: var(--mean); }
path.square { stroke: var(--square); } i.square { color: var(--square); }
path.max { stroke: var(--max); stroke-width: 1; } i.max { color: var(--max); }
path.median { stroke: var(--even); } i.median { color: var(--even); }
path.band { fill: var(--even); fill-opacity: .18; stroke: none; } i.band { height: .8em; color: var(--even); opacity: .3; }
path.even { stroke: var(--even); }
path.perturb { stroke: var(--perturb); } i.perturb { color: var(--perturb); }
path.identity { stroke: var(--identity); } i.identity { color: var(--identity); }
path.restore { stroke: var(--restore); } i.restore { color: var(--restore); }
path.learning-rate { stroke: var(--learning-rate); } i.learning-rate { color: var(--learning-rate); }
path.snapshot { stroke: var(--snapshot); } i.snapshot { color: var(--snapshot); }
path.withheld { stroke: var(--withheld); } i.withheld { color: var(--withheld); }
path.through { stroke-width: 1; opacity: .55; stroke-dasharray: 3 3; }
path.older { opacity: .35; }
.wide { overflow-x: auto; }
.wide table { min-width: 56rem; }
table { width: 100%%; border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 600; }
td.number, th.number { text-align: right; white-space: nowrap; }
table.narrow { width: auto; min-width: 18rem; }
tbody th { width: 9rem; font-weight: 400; }
td { overflow-wrap: break-word; }
td.time { white-space: nowrap; }
tr.perturb td:first-child { box-shadow: inset 3px 0 var(--perturb); }
tr.identity td:first-child { box-shadow: inset 3px 0 var(--identity); }
tr.restore td:first-child { box-shadow: inset 3px 0 var(--restore); }
tr.learning-rate td:first-child { box-shadow: inset 3px 0 var(--learning-rate); }
tr.snapshot td:first-child { box-shadow: inset 3px 0 var(--snapshot); }
tr.withheld td:first-child { box-shadow: inset 3px 0 var(--withheld); }
</style>
</head>
<body>
)";

struct MarkStyle {
  const char* css_class;
  const char* name;
  bool changes_state;
};
// In the order of ActionMark.
constexpr std::array<MarkStyle, kActionMarks> kMarkStyles = {
    {{"perturb", "noise", true},
     {"identity", "identity", true},
     {"restore", "restore", true},
     {"learning-rate", "learning rate", true},
     {"snapshot", "snapshot", false},
     {"withheld", "withheld", false}}};

// More marks than this through a chart would hide its curves.
constexpr size_t kMostMarks = 150;

std::string Short(double number) { return absl::StrFormat("%.4g", number); }

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", time, absl::UTCTimeZone());
}

std::string TimeText(int64_t unix_ns) { return TimeText(absl::FromUnixNanos(unix_ns)); }

std::string Cell(const std::string& text, const char* css_class = nullptr) {
  return absl::StrCat("<td", css_class == nullptr ? "" : absl::StrCat(" class=\"", css_class, "\""),
                      ">", EscapeHtml(text), "</td>");
}

std::string Number(const std::string& text) { return Cell(text, "number"); }

// ---- Summary.

std::string Tile(const std::string& name, const std::string& value, const std::string& more = "") {
  return absl::StrCat("<li><span>", EscapeHtml(name), "</span><b>", EscapeHtml(value), "</b>",
                      more.empty() ? "" : absl::StrCat("<span>", EscapeHtml(more), "</span>"),
                      "</li>\n");
}

void WriteSummary(const v1::Run& run, const RunDigest& digest, std::ostream& out) {
  out << "<ul class=\"tiles\">\n" << Tile("State", StateName(run.state()));
  out << Tile("Step", run.step() < 0 ? "-" : absl::StrCat(run.step()),
              absl::StrCat(digest.decisions(), " decisions"));
  if (!digest.generations().empty()) {
    const GenerationDigest& newest = digest.generations().back();
    if (!std::isnan(newest.last_mean)) {
      out << Tile(
          "Mean loss", Short(newest.last_mean),
          absl::StrCat("first ", Short(newest.first_mean), ", least ",
                       Short(newest.least_mean.value), " at step ", newest.least_mean.step));
    }
  }
  if (run.observation().count() > 0) {
    out << Tile("Temperature", Short(run.observation().temperature()),
                absl::StrCat("imbalance ", Short(run.observation().imbalance())));
  }
  out << Tile("Commands", absl::StrCat(run.commands()),
              absl::StrCat("applied ", run.applied(), ", skipped ", run.skipped()));
  if (run.settings().scope() == v1::LOSS_SCOPE_DATASET) {
    out << Tile("Dead examples", absl::StrCat(run.observation().dead_examples()),
                absl::StrCat("of ", run.observation().count()));
  }
  if (run.breaker_open()) {
    out << Tile("Breaker", "open", "Lehr only observes");
  }
  if (run.has_replicas_differ_step()) {
    out << Tile("Replicas", "differ", absl::StrCat("before step ", run.replicas_differ_step()));
  }
  out << "</ul>\n";
}

// ---- Charts.

struct ChartLine {
  const char* css_class;
  const char* name;
  Downsampler GenerationDigest::*curve;
};

ChartSteps StepsOf(const RunDigest& digest) {
  ChartSteps steps = {digest.generations().front().first_step, 0};
  for (const GenerationDigest& generation : digest.generations()) {
    steps.first_step = std::min(steps.first_step, generation.first_step);
    steps.last_step = std::max(steps.last_step, generation.last_step);
  }
  return steps;
}

std::vector<CurvePoint> MarksOf(const GenerationDigest& generation, int kind) {
  return generation.marks[kind].Points();
}

bool HasPositive(const std::vector<CurvePoint>& points) {
  return std::any_of(points.begin(), points.end(), [](const CurvePoint& p) { return p.value > 0; });
}

// Of the newest generation; older ones would blur what happened when.
void AddMarks(const GenerationDigest& generation, SvgChart& chart) {
  for (int kind = 0; kind < kActionMarks; ++kind) {
    const std::vector<CurvePoint> marks = MarksOf(generation, kind);
    if (marks.size() > kMostMarks) {
      continue;
    }
    for (const CurvePoint& mark : marks) {
      if (kMarkStyles[kind].changes_state) {
        chart.AddMark(absl::StrCat(kMarkStyles[kind].css_class, " through"), mark.step,
                      SvgChart::MarkHeight::kWhole);
      } else {
        chart.AddMark(kMarkStyles[kind].css_class, mark.step, SvgChart::MarkHeight::kTick);
      }
    }
  }
}

std::string LegendEntry(const char* css_class, const char* name) {
  return absl::StrCat("<span><i class=\"", css_class, "\"></i>", name, "</span>");
}

void AddLine(const RunDigest& digest, const ChartLine& line, SvgChart& chart) {
  for (const GenerationDigest& generation : digest.generations()) {
    const bool is_newest = &generation == &digest.generations().back();
    chart.AddLine(absl::StrCat(line.css_class, is_newest ? "" : " older"),
                  (generation.*line.curve).Points());
  }
}

void WriteFigure(const std::string& title, const std::string& legend, const SvgChart& chart,
                 std::ostream& out) {
  out << "<figure><figcaption>" << title << legend << "</figcaption>\n"
      << chart.Text(title) << "</figure>\n";
}

void WriteChart(const RunDigest& digest, const std::string& title, ChartScale scale,
                const ChartLine& line, std::ostream& out) {
  SvgChart chart(StepsOf(digest), scale);
  AddMarks(digest.generations().back(), chart);
  AddLine(digest, line, chart);
  WriteFigure(title, /*legend=*/"", chart, out);
}

// With the band in which most losses of the newest generation lie.
void WriteLossChart(const RunDigest& digest, std::ostream& out) {
  SvgChart chart(StepsOf(digest), ChartScale::kDecadesIfWide);
  const GenerationDigest& newest = digest.generations().back();
  chart.AddBand("band", newest.p90.Points(), newest.p10.Points());
  AddMarks(newest, chart);
  std::string legend = LegendEntry("band", "p10 to p90");
  for (const ChartLine& line :
       {ChartLine{"max", "greatest", &GenerationDigest::max},
        ChartLine{"square", "root mean square", &GenerationDigest::root_mean_square},
        ChartLine{"median", "median", &GenerationDigest::p50},
        ChartLine{"mean", "mean", &GenerationDigest::mean}}) {
    legend += LegendEntry(line.css_class, line.name);
    AddLine(digest, line, chart);
  }
  WriteFigure("Losses", legend, chart, out);
}

void WriteNoiseChart(const RunDigest& digest, std::ostream& out) {
  SvgChart chart(StepsOf(digest), ChartScale::kLinear);
  bool has_noise = false;
  for (const GenerationDigest& generation : digest.generations()) {
    const std::vector<CurvePoint> noise =
        MarksOf(generation, static_cast<int>(ActionMark::kPerturb));
    has_noise = has_noise || HasPositive(noise);
    const bool is_newest = &generation == &digest.generations().back();
    chart.AddStems(is_newest ? "perturb" : "perturb older", noise);
  }
  if (has_noise) {
    out << "<figure><figcaption>Noise<span>standard deviation, at the step before which it was "
           "applied</span></figcaption>\n"
        << chart.Text("Standard deviation of the noise") << "</figure>\n";
  }
}

void WriteMarksLegend(const RunDigest& digest, std::ostream& out) {
  std::string legend;
  std::string left_out;
  for (int kind = 0; kind < kActionMarks; ++kind) {
    const size_t marks = MarksOf(digest.generations().back(), kind).size();
    if (marks > kMostMarks) {
      absl::StrAppend(&left_out, left_out.empty() ? "" : ", ", kMarkStyles[kind].name);
    } else if (marks > 0) {
      absl::StrAppend(&legend, " <span><i class=\"tick ", kMarkStyles[kind].css_class, "\"></i>",
                      kMarkStyles[kind].name, "</span>");
    }
  }
  out << "<p class=\"about\">Over the steps." << (legend.empty() ? "" : " Marked:") << legend;
  if (!left_out.empty()) {
    out << " Too many to mark: " << left_out << '.';
  }
  if (digest.generations().size() > 1) {
    out << " Older generations are faint.";
  }
  out << "</p>\n";
}

void WriteCharts(const RunDigest& digest, std::ostream& out) {
  out << "<h2>Course</h2>\n";
  WriteMarksLegend(digest, out);
  WriteChart(digest, "Temperature", ChartScale::kDecadesIfWide,
             {"temperature", "temperature", &GenerationDigest::temperature}, out);
  WriteLossChart(digest, out);
  WriteNoiseChart(digest, out);
  WriteChart(digest, "Imbalance", ChartScale::kLinear,
             {"even", "imbalance", &GenerationDigest::imbalance}, out);
  const auto has_positive = [&digest](Downsampler GenerationDigest::*curve) {
    return std::any_of(digest.generations().begin(), digest.generations().end(),
                       [curve](const auto& g) { return HasPositive((g.*curve).Points()); });
  };
  if (has_positive(&GenerationDigest::dead_examples)) {
    WriteChart(digest, "Dead examples", ChartScale::kLinear,
               {"temperature", "dead examples", &GenerationDigest::dead_examples}, out);
  }
  if (has_positive(&GenerationDigest::tied_share)) {
    WriteChart(digest, "Share of the loss that ties exactly: dead data", ChartScale::kLinear,
               {"temperature", "tied losses", &GenerationDigest::tied_share}, out);
  }
}

// ---- Tables.

std::string OutcomeText(const v1::HistoryEntry& entry) {
  if (entry.applied() == 0 && entry.skipped() == 0) {
    return "";
  }
  return entry.skipped() == 0
             ? absl::StrCat("applied by ", entry.applied())
             : absl::StrCat("applied by ", entry.applied(), ", skipped by ", entry.skipped());
}

// The strongest thing that it does.
std::string RowClass(const v1::Decision& decision) {
  const auto has = [&](bool (v1::Action::*kind)() const) {
    return std::any_of(decision.actions().begin(), decision.actions().end(),
                       [&](const v1::Action& action) { return (action.*kind)(); });
  };
  const char* name = has(&v1::Action::has_restore)         ? "restore"
                     : has(&v1::Action::has_identity)      ? "identity"
                     : has(&v1::Action::has_perturb)       ? "perturb"
                     : has(&v1::Action::has_learning_rate) ? "learning-rate"
                     : has(&v1::Action::has_snapshot)      ? "snapshot"
                     : !decision.withheld().empty()        ? "withheld"
                                                           : nullptr;
  return name == nullptr ? "" : absl::StrCat(" class=\"", name, "\"");
}

void WriteStretch(const DecisionStretch& stretch, std::ostream& out) {
  const v1::Decision& decision = stretch.last.decision();
  const v1::Observation& observation = decision.observation();
  const std::string actions = ActionsText(decision);
  std::string what = actions;
  if (decision.actions().empty() && !actions.empty()) {
    what = absl::StrCat("withheld: ", actions);
  }
  if (const std::string outcome = OutcomeText(stretch.last); !outcome.empty()) {
    absl::StrAppend(&what, what.empty() ? "" : "; ", outcome);
  }
  out << "<tr" << RowClass(decision) << '>'
      << Number(stretch.decisions == 1 ? absl::StrCat(decision.step())
                                       : absl::StrCat(stretch.first_step, " – ", decision.step()))
      << Number(absl::StrCat(decision.generation()))
      << Cell(TimeText(decision.closed_unix_ns()), "time")
      << Number(Short(observation.temperature())) << Number(Short(observation.mean()))
      << Cell(ReasonText(decision.reason())) << Cell(what) << "</tr>\n";
}

void WriteDecisions(const RunDigest& digest, std::ostream& out) {
  out << "<h2>Decisions</h2>\n<p class=\"about\">Those in a row that say the same are one line, "
         "with "
         "the numbers of the last one; those that only wait for a pass or a command to end are "
         "left "
         "out. Times are UTC.</p>\n<div class=\"wide\"><table>\n<thead><tr><th "
         "class=\"number\">Step</th><th class=\"number\">Gen.</th><th>Time</th><th "
         "class=\"number\">Temperature</th><th class=\"number\">Mean "
         "loss</th><th>Reason</th><th>Command</th></tr></thead>\n<tbody>\n";
  for (const DecisionStretch& stretch : digest.first_stretches()) {
    WriteStretch(stretch, out);
  }
  if (digest.stretches_left_out() > 0) {
    out << "<tr><td colspan=\"7\">" << digest.stretches_left_out()
        << " lines are left out; lehr export has every decision.</td></tr>\n";
  }
  for (const DecisionStretch& stretch : digest.newest_stretches()) {
    WriteStretch(stretch, out);
  }
  out << "</tbody></table></div>\n";
}

void WriteExamples(const char* title,
                   const google::protobuf::RepeatedPtrField<v1::ExampleLoss>& examples,
                   uint64_t in_all, std::ostream& out) {
  if (examples.empty()) {
    return;
  }
  out << "<h2>" << title << "</h2>\n";
  if (in_all > static_cast<uint64_t>(examples.size())) {
    out << "<p class=\"about\">The " << examples.size() << " highest of " << in_all << ".</p>\n";
  }
  out << "<table class=\"narrow\"><thead><tr><th>Example</th><th "
         "class=\"number\">Loss</th></tr></thead><tbody>\n";
  for (const v1::ExampleLoss& example : examples) {
    out << "<tr>" << Cell(absl::StrCat(example.example_id())) << Number(Short(example.loss()))
        << "</tr>\n";
  }
  out << "</tbody></table>\n";
}

void WriteGenerations(const RunDigest& digest, std::ostream& out) {
  out << "<h2>Generations</h2>\n";
  if (digest.generations_left_out() > 0) {
    out << "<p class=\"about\">" << digest.generations_left_out()
        << " older ones are left out, here and in the charts.</p>\n";
  }
  out << "<div class=\"wide\"><table><thead><tr><th class=\"number\">Generation</th><th "
         "class=\"number\">Steps</th><th>From</th><th>To</th><th "
         "class=\"number\">Decisions</th><th "
         "class=\"number\">Commands</th><th class=\"number\">First mean</th><th "
         "class=\"number\">Last mean</th><th class=\"number\">Least "
         "mean</th></tr></thead><tbody>\n";
  for (const GenerationDigest& generation : digest.generations()) {
    const bool is_measured = !std::isnan(generation.first_mean);
    out << "<tr>" << Number(absl::StrCat(generation.generation))
        << Number(absl::StrCat(generation.first_step, " – ", generation.last_step))
        << Cell(TimeText(generation.first_unix_ns), "time")
        << Cell(TimeText(generation.last_unix_ns), "time")
        << Number(absl::StrCat(generation.decisions)) << Number(absl::StrCat(generation.commands))
        << Number(is_measured ? Short(generation.first_mean) : "-")
        << Number(is_measured ? Short(generation.last_mean) : "-")
        << Number(is_measured ? Short(generation.least_mean.value) : "-") << "</tr>\n";
  }
  out << "</tbody></table></div>\n";
}

void WriteFacts(const v1::Run& run, absl::Time now, std::ostream& out) {
  out << "<h2>Run and settings</h2>\n<table><tbody>\n";
  for (const RunFact& fact : FactsOf(run, now)) {
    out << "<tr><th scope=\"row\">" << EscapeHtml(fact.name) << "</th>" << Cell(fact.text)
        << "</tr>\n";
  }
  out << "</tbody></table>\n";
}

}  // namespace

void WriteRunReport(const v1::Run& run, const RunDigest& digest, absl::Time now,
                    std::ostream& out) {
  out << absl::StrFormat(kHead, EscapeHtml(run.run_id()));
  out << "<h1>" << EscapeHtml(run.run_id()) << "</h1>\n<p class=\"about\">A run as Lehr saw it, "
      << TimeText(now) << " UTC. " << EscapeHtml(PolicyText(run.settings().policy())) << ".</p>\n";
  WriteSummary(run, digest, out);
  if (digest.generations().empty()) {
    out << "<p>No decision was made yet.</p>\n";
  } else {
    WriteCharts(digest, out);
    WriteDecisions(digest, out);
    WriteExamples("Dead examples", run.observation().dead(), run.observation().dead_examples(),
                  out);
    WriteExamples("Highest losses", run.observation().highest(), 0, out);
    WriteGenerations(digest, out);
  }
  WriteFacts(run, now, out);
  out << "</body>\n</html>\n";
}

}  // namespace lehr
