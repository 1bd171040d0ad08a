#include "tests/study/efficacy/report.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"
#include "tests/study/efficacy/comparison.h"

namespace lehr {
namespace {

constexpr char kOurs[] = "reheat";

double MeanOf(const Row& row, double (*value)(const TrialResult&)) {
  double sum = 0;
  for (const TrialResult& trial : row.trials) {
    sum += value(trial);
  }
  return sum / static_cast<double>(row.trials.size());
}

int64_t Touched(const Row& row) {
  return std::count_if(row.trials.begin(), row.trials.end(),
                       [](const TrialResult& trial) { return trial.actions > 0; });
}

std::string StepsText(int64_t steps) { return steps < 0 ? "never" : absl::StrCat(steps); }

const Row* Find(const std::vector<Row>& rows, const StudyTask* task, const std::string& arm) {
  const auto found = std::find_if(
      rows.begin(), rows.end(), [&](const Row& row) { return row.task == task && row.arm == arm; });
  return found == rows.end() ? nullptr : &*found;
}

// Ours against a peer, by seed.
struct Pairs {
  const Row* ours;
  const Row* peer;
  int64_t ours_only = 0;
  int64_t peer_only = 0;
  int64_t ours_faster = 0;
  int64_t peer_faster = 0;
};

Pairs Pair(const Row& ours, const Row& peer) {
  Pairs pairs = {.ours = &ours, .peer = &peer};
  std::map<uint64_t, const TrialResult*> by_seed;
  for (const TrialResult& trial : peer.trials) {
    by_seed[trial.seed] = &trial;
  }
  for (const TrialResult& trial : ours.trials) {
    const auto other = by_seed.find(trial.seed);
    if (other == by_seed.end()) {
      continue;
    }
    const TrialResult& theirs = *other->second;
    pairs.ours_only += trial.ends_there && !theirs.ends_there ? 1 : 0;
    pairs.peer_only += theirs.ends_there && !trial.ends_there ? 1 : 0;
    if (trial.ends_there && theirs.ends_there) {
      pairs.ours_faster += trial.reached_step < theirs.reached_step ? 1 : 0;
      pairs.peer_faster += theirs.reached_step < trial.reached_step ? 1 : 0;
    }
  }
  return pairs;
}

std::vector<Pairs> AllPairs(const std::vector<Row>& rows) {
  std::vector<Pairs> all;
  for (const Row& row : rows) {
    const Row* ours = Find(rows, row.task, kOurs);
    if (ours != nullptr && row.arm != kOurs) {
      all.push_back(Pair(*ours, row));
    }
  }
  return all;
}

std::string TestsTable(const std::vector<Row>& rows) {
  const std::vector<Pairs> all = AllPairs(rows);
  std::vector<double> p_values;
  for (const Pairs& pairs : all) {
    p_values.push_back(ExactSignTest(pairs.ours_only, pairs.peer_only));
    p_values.push_back(ExactSignTest(pairs.ours_faster, pairs.peer_faster));
  }
  const std::vector<double> adjusted = HolmAdjusted(p_values);
  std::string text =
      "\n| task | reheat against | succeeds alone: reheat, peer | p | both succeed, faster: "
      "reheat, "
      "peer | p |\n|---|---|---|---|---|---|\n";
  for (size_t i = 0; i < all.size(); ++i) {
    const Pairs& pairs = all[i];
    absl::StrAppendFormat(&text, "| %s | %s | %d, %d | %.2g | %d, %d | %.2g |\n",
                          pairs.peer->task->title, pairs.peer->arm, pairs.ours_only,
                          pairs.peer_only, adjusted[2 * i], pairs.ours_faster, pairs.peer_faster,
                          adjusted[2 * i + 1]);
  }
  return text;
}

constexpr double kWidth = 720;
constexpr double kHeight = 300;
constexpr double kLeft = 50;
constexpr double kBottom = 30;
constexpr const char* kColors[] = {"#888888", "#d62728", "#ff7f0e", "#9467bd",
                                   "#2ca02c", "#17becf", "#1f77b4"};

std::string SvgBegin(const std::string& title) {
  return absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" font-family=\"sans-serif\" "
      "font-size=\"11\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
      "<text x=\"%g\" y=\"14\" font-size=\"13\">%s</text>\n"
      "<path d=\"M%g 20V%gH%g\" stroke=\"black\" fill=\"none\"/>\n",
      kWidth, kHeight, kLeft, title, kLeft, kHeight - kBottom, kWidth - 10);
}

double X(double share) { return kLeft + share * (kWidth - 10 - kLeft); }
double Y(double share) { return kHeight - kBottom - share * (kHeight - kBottom - 20); }

std::string AxisLabels(const std::string& greatest_step) {
  std::string text;
  for (const double share : {0.0, 0.5, 1.0}) {
    absl::StrAppendFormat(&text, "<text x=\"10\" y=\"%g\">%g %%</text>\n", Y(share) + 4,
                          100 * share);
  }
  absl::StrAppendFormat(&text, "<text x=\"%g\" y=\"%g\" text-anchor=\"end\">step %s</text>\n",
                        kWidth - 10, kHeight - 10, greatest_step);
  return text;
}

}  // namespace

std::vector<Row> RowsOf(const std::vector<TrialResult>& results) {
  std::vector<Row> rows;
  for (const StudyTask& task : StudyTasks()) {
    for (const TrialResult& result : results) {
      if (result.task != task.name) {
        continue;
      }
      auto row = std::find_if(rows.begin(), rows.end(),
                              [&](const Row& r) { return r.task == &task && r.arm == result.arm; });
      if (row == rows.end()) {
        row = rows.insert(rows.end(), Row{.task = &task, .arm = result.arm});
      }
      row->trials.push_back(result);
    }
  }
  return rows;
}

int64_t Successes(const Row& row) {
  return std::count_if(row.trials.begin(), row.trials.end(),
                       [](const TrialResult& trial) { return trial.ends_there; });
}

int64_t StepsQuantile(const Row& row, double quantile) {
  std::vector<int64_t> steps;
  for (const TrialResult& trial : row.trials) {
    steps.push_back(trial.reached_step < 0 ? INT64_MAX : trial.reached_step);
  }
  std::sort(steps.begin(), steps.end());
  const auto rank =
      static_cast<size_t>(std::ceil(quantile * static_cast<double>(steps.size())) - 1);
  return steps[rank] == INT64_MAX ? -1 : steps[rank];
}

std::string MarkdownTables(const std::vector<Row>& rows) {
  std::string text =
      "| task | policy | seeds | reached % | there at the end % (95 %) | steps p50 / p90 / p99 | "
      "final accuracy | changes a run | runs touched |\n|---|---|---|---|---|---|---|---|---|\n";
  for (const Row& row : rows) {
    const auto count = static_cast<int64_t>(row.trials.size());
    const int64_t reached =
        std::count_if(row.trials.begin(), row.trials.end(),
                      [](const TrialResult& trial) { return trial.reached_step >= 0; });
    const Interval interval = WilsonInterval(Successes(row), count);
    absl::StrAppendFormat(
        &text, "| %s | %s | %d | %.4g | %.4g (%.3g–%.3g) | %s / %s / %s | %.3f | %.3g | %d |\n",
        row.task->title, row.arm, count, 100.0 * reached / count, 100.0 * Successes(row) / count,
        100 * interval.low, 100 * interval.high, StepsText(StepsQuantile(row, 0.5)),
        StepsText(StepsQuantile(row, 0.9)), StepsText(StepsQuantile(row, 0.99)),
        MeanOf(row, [](const TrialResult& trial) { return trial.final_accuracy; }),
        MeanOf(row, [](const TrialResult& trial) { return static_cast<double>(trial.actions); }),
        Touched(row));
  }
  return text + TestsTable(rows);
}

std::string Json(const std::vector<Row>& rows) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const Row& row : rows) {
    const auto count = static_cast<int64_t>(row.trials.size());
    const Interval interval = WilsonInterval(Successes(row), count);
    json.push_back({{"task", row.task->name},
                    {"arm", row.arm},
                    {"seeds", count},
                    {"successes", Successes(row)},
                    {"success_low", interval.low},
                    {"success_high", interval.high},
                    {"steps_p50", StepsQuantile(row, 0.5)},
                    {"steps_p90", StepsQuantile(row, 0.9)},
                    {"steps_p99", StepsQuantile(row, 0.99)},
                    {"touched", Touched(row)}});
  }
  return json.dump(2) + "\n";
}

std::string RescueCurves(const std::vector<Row>& rows, const StudyTask& task) {
  int64_t last = 1;
  for (const Row& row : rows) {
    for (const TrialResult& trial : row.trials) {
      last = row.task == &task ? std::max(last, trial.reached_step) : last;
    }
  }
  std::string text = SvgBegin(absl::StrCat(task.title, ": share of runs that have got there"));
  size_t arm = 0;
  for (const Row& row : rows) {
    if (row.task != &task) {
      continue;
    }
    std::vector<int64_t> steps;
    for (const TrialResult& trial : row.trials) {
      if (trial.reached_step >= 0) {
        steps.push_back(trial.reached_step);
      }
    }
    std::sort(steps.begin(), steps.end());
    const char* color = kColors[arm % std::size(kColors)];
    absl::StrAppendFormat(&text, "<path fill=\"none\" stroke=\"%s\" d=\"M%g %g", color, X(0), Y(0));
    const size_t stride = std::max<size_t>(1, steps.size() / 200);
    for (size_t i = 0; i < steps.size(); i += stride) {
      absl::StrAppendFormat(&text, "H%.1fV%.1f",
                            X(static_cast<double>(steps[i]) / static_cast<double>(last)),
                            Y(static_cast<double>(std::min(i + stride, steps.size())) /
                              static_cast<double>(row.trials.size())));
    }
    absl::StrAppendFormat(&text,
                          "H%g\"/>\n<text x=\"%g\" y=\"%g\" text-anchor=\"end\" fill=\"%s\">%s"
                          "</text>\n",
                          X(1), kWidth - 14, Y(0.05) - 13.0 * static_cast<double>(arm), color,
                          row.arm);
    ++arm;
  }
  return absl::StrCat(text, AxisLabels(absl::StrCat(last)), "</svg>\n");
}

std::string TracePlot(const Trace& trace, const std::string& title) {
  std::string text = SvgBegin(title);
  if (trace.points.empty()) {
    return text + "</svg>\n";
  }
  const auto last = static_cast<double>(std::max<int64_t>(1, trace.points.back().step));
  double hottest = 1e-30;
  for (const TracePoint& point : trace.points) {
    hottest = std::max(hottest, point.temperature);
  }
  for (const int64_t step : trace.action_steps) {
    absl::StrAppendFormat(&text, "<path stroke=\"#cccccc\" d=\"M%.1f 20V%g\"/>\n",
                          X(static_cast<double>(step) / last), kHeight - kBottom);
  }
  std::string accuracy;
  std::string temperature;
  for (const TracePoint& point : trace.points) {
    const double x = X(static_cast<double>(point.step) / last);
    absl::StrAppendFormat(&accuracy, "%s%.1f %.1f", accuracy.empty() ? "M" : "L", x,
                          Y(point.accuracy));
    absl::StrAppendFormat(&temperature, "%s%.1f %.1f", temperature.empty() ? "M" : "L", x,
                          Y(point.temperature / hottest));
  }
  absl::StrAppendFormat(
      &text,
      "<path fill=\"none\" stroke=\"#d62728\" d=\"%s\"/>\n<path fill=\"none\" stroke=\"#1f77b4\" "
      "d=\"%s\"/>\n<text x=\"%g\" y=\"%g\" fill=\"#1f77b4\">accuracy</text>\n"
      "<text x=\"%g\" y=\"%g\" fill=\"#d62728\">temperature, of its greatest %.3g</text>\n"
      "<text x=\"%g\" y=\"%g\" fill=\"#999999\">| parameters changed</text>\n",
      temperature, accuracy, kLeft, kHeight - 10, kLeft + 60, kHeight - 10, hottest, kLeft + 260,
      kHeight - 10);
  return absl::StrCat(text, AxisLabels(absl::StrCat(last)), "</svg>\n");
}

}  // namespace lehr
