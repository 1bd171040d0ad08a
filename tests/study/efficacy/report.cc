#include "tests/study/efficacy/report.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"
#include "tests/study/efficacy/comparison.h"
#include "tests/study/efficacy/paired.h"
#include "tests/study/efficacy/targets.h"

namespace lehr {
namespace {

double Percent(int64_t part, int64_t whole) {
  return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string StepsText(const Row& row) {
  std::string text;
  for (const double quantile : {0.5, 0.9, 0.99}) {
    const int64_t steps = StepsQuantile(row, quantile);
    absl::StrAppend(&text, text.empty() ? "" : " / ", steps < 0 ? "never" : absl::StrCat(steps));
  }
  return text;
}

// "–" for a task without a goal.
std::string ReachedCells(const Row& row) {
  if (row.task->healthy) {
    return "– | – | –";
  }
  const Interval interval = WilsonInterval(Successes(row), Seeds(row));
  return absl::StrFormat("%.4g | %.4g (%.3g–%.3g) | %s", Percent(Reached(row), Seeds(row)),
                         Percent(Successes(row), Seeds(row)), 100 * interval.low,
                         100 * interval.high, StepsText(row));
}

// Runs of a healthy task whose parameters end as without any policy.
std::string IdenticalCell(const std::vector<Row>& rows, const Row& row) {
  const Row* plain = Find(rows, row.task->name, "none");
  if (!row.task->healthy || plain == nullptr) {
    return "–";
  }
  const Twins twins = TwinsOf(*plain, row);
  return absl::StrFormat("%d of %d", twins.identical, twins.pairs);
}

std::string ResultTable(const std::vector<Row>& rows) {
  std::string text =
      "| task | policy | seeds | reached % | there at the end % (95 %) | steps p50 / p90 / p99 | "
      "final accuracy | changes a run | runs touched | as untreated, bit for bit |\n"
      "|---|---|---|---|---|---|---|---|---|---|\n";
  for (const Row& row : rows) {
    absl::StrAppendFormat(&text, "| %s | %s | %d | %s | %.3f | %.3g | %d | %s |\n", row.task->title,
                          row.arm, Seeds(row), ReachedCells(row), MeanAccuracy(row),
                          MeanActions(row), Touched(row), IdenticalCell(rows, row));
  }
  return text;
}

// Empty where there is nothing to compare.
std::string PairedTable(const std::vector<Row>& rows) {
  const std::vector<PeerComparison> comparisons = CompareWithPeers(rows);
  if (comparisons.empty()) {
    return "";
  }
  std::string text =
      "| task | reheat against | there alone: reheat, peer | "
      "both there, first: reheat, peer | all: reheat, peer | p |\n|---|---|---|---|---|---|\n";
  for (const PeerComparison& comparison : comparisons) {
    absl::StrAppendFormat(&text, "| %s | %s | %d, %d | %d, %d | %d, %d | %.2g |\n",
                          comparison.peer->task->title, comparison.peer->arm, comparison.ours_only,
                          comparison.peer_only, comparison.ours_faster, comparison.peer_faster,
                          comparison.ours(), comparison.peers(), comparison.p);
  }
  return text + "\n";
}

std::string_view WordFor(Verdict verdict) {
  switch (verdict) {
    case Verdict::kMet:
      return "met";
    case Verdict::kMissed:
      return "**missed**";
    case Verdict::kNotMeasured:
      return "not measured";
  }
  return "";
}

std::string TargetTable(const std::vector<Row>& rows) {
  std::string text = "| target | outcome | |\n|---|---|---|\n";
  for (const Target& target : CheckTargets(rows)) {
    absl::StrAppend(&text, "| ", target.name, " | ", target.outcome, " | ");
    text.append(WordFor(target.verdict)).append(" |\n");
  }
  return text;
}

std::string TimeText(const std::vector<Row>& rows) {
  double cpu_seconds = 0;
  double study_seconds = 0;
  int64_t trials = 0;
  for (const Row& row : rows) {
    for (const TrialResult& trial : row.trials) {
      cpu_seconds += trial.cpu_seconds;
      study_seconds = std::max(study_seconds, trial.study_seconds);
      ++trials;
    }
  }
  return absl::StrFormat("%d runs took %.0f seconds of processor time, %.0f seconds in all.\n",
                         trials, cpu_seconds, study_seconds);
}

// Less is better: most runs there at the end, then the least steps for nine in ten and for half of
// them, then the greatest accuracy.
std::tuple<int64_t, int64_t, int64_t, double> Badness(const Row& row) {
  const auto endless_last = [](int64_t steps) {
    return steps < 0 ? std::numeric_limits<int64_t>::max() : steps;
  };
  return {-Successes(row), endless_last(StepsQuantile(row, 0.9)),
          endless_last(StepsQuantile(row, 0.5)), -MeanAccuracy(row)};
}

bool IsBestOfItsPolicy(const std::vector<Row>& rows, const Row& row) {
  return std::none_of(rows.begin(), rows.end(), [&](const Row& other) {
    return other.task == row.task && PolicyOf(other) == PolicyOf(row) &&
           Badness(other) < Badness(row);
  });
}

}  // namespace

std::string Report(const std::vector<Row>& rows) {
  return absl::StrCat(ResultTable(rows), "\n", PairedTable(rows), TargetTable(rows), "\n",
                      TimeText(rows));
}

std::string TuningReport(const std::vector<Row>& rows) {
  std::string text =
      "| task | policy | seeds | reached % | at the end % | steps p50 / p90 / p99 | accuracy |\n"
      "|---|---|---|---|---|---|---|\n";
  for (const Row& row : rows) {
    const char* emphasis = IsBestOfItsPolicy(rows, row) ? "**" : "";
    absl::StrAppendFormat(&text, "| %s | %s%s%s | %d | %.3g | %.3g | %s | %.3f |\n",
                          row.task->title, emphasis, row.arm, emphasis, Seeds(row),
                          Percent(Reached(row), Seeds(row)), Percent(Successes(row), Seeds(row)),
                          StepsText(row), MeanAccuracy(row));
  }
  return absl::StrCat(text, "\n", TimeText(rows));
}

std::string Json(const std::vector<Row>& rows) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const Row& row : rows) {
    const Interval interval = WilsonInterval(Successes(row), Seeds(row));
    json.push_back({{"task", row.task->name},
                    {"arm", row.arm},
                    {"seeds", Seeds(row)},
                    {"reached", Reached(row)},
                    {"successes", Successes(row)},
                    {"success_low", interval.low},
                    {"success_high", interval.high},
                    {"steps_p50", StepsQuantile(row, 0.5)},
                    {"steps_p90", StepsQuantile(row, 0.9)},
                    {"steps_p99", StepsQuantile(row, 0.99)},
                    {"final_accuracy", MeanAccuracy(row)},
                    {"touched", Touched(row)}});
  }
  return json.dump(2) + "\n";
}

}  // namespace lehr
