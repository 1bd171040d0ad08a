#include "tests/study/efficacy/rows.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <map>

namespace lehr {
namespace {

constexpr std::string_view kPolicies[] = {"none",           "literal", "constant",    "restart",
                                          "shrink-perturb", "redo",    "reheat-bare", "reheat"};

ptrdiff_t PlaceOf(const Row& row) {
  return std::find(std::begin(kPolicies), std::end(kPolicies), PolicyOf(row)) -
         std::begin(kPolicies);
}

double MeanOf(const Row& row, double (*value)(const TrialResult&)) {
  double sum = 0;
  for (const TrialResult& trial : row.trials) {
    sum += value(trial);
  }
  return sum / static_cast<double>(row.trials.size());
}

std::vector<Row> RowsOfTask(const StudyTask& task, const std::vector<TrialResult>& results) {
  std::vector<Row> rows;
  for (const TrialResult& result : results) {
    if (result.task != task.name) {
      continue;
    }
    auto row = std::find_if(rows.begin(), rows.end(),
                            [&](const Row& known) { return known.arm == result.arm; });
    if (row == rows.end()) {
      row = rows.insert(rows.end(), Row{.task = &task, .arm = result.arm, .trials = {}});
    }
    row->trials.push_back(result);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return PlaceOf(a) < PlaceOf(b); });
  for (Row& row : rows) {
    std::sort(row.trials.begin(), row.trials.end(),
              [](const TrialResult& a, const TrialResult& b) { return a.seed < b.seed; });
  }
  return rows;
}

}  // namespace

std::vector<Row> RowsOf(const std::vector<TrialResult>& results) {
  std::vector<Row> rows;
  for (const StudyTask& task : StudyTasks()) {
    std::vector<Row> of_task = RowsOfTask(task, results);
    std::move(of_task.begin(), of_task.end(), std::back_inserter(rows));
  }
  return rows;
}

std::string_view PolicyOf(const Row& row) {
  const std::string_view arm = row.arm;
  return arm.substr(0, arm.find(" ("));
}

const Row* Find(const std::vector<Row>& rows, std::string_view task, std::string_view policy) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
    return row.task->name == task && PolicyOf(row) == policy;
  });
  return found == rows.end() ? nullptr : &*found;
}

int64_t Seeds(const Row& row) { return static_cast<int64_t>(row.trials.size()); }

int64_t Reached(const Row& row) {
  return std::count_if(row.trials.begin(), row.trials.end(),
                       [](const TrialResult& trial) { return trial.reached_step >= 0; });
}

int64_t Successes(const Row& row) {
  return std::count_if(row.trials.begin(), row.trials.end(),
                       [](const TrialResult& trial) { return trial.ends_there; });
}

int64_t Touched(const Row& row) {
  return std::count_if(row.trials.begin(), row.trials.end(),
                       [](const TrialResult& trial) { return trial.actions > 0; });
}

double MeanAccuracy(const Row& row) {
  return MeanOf(row, [](const TrialResult& trial) { return trial.final_accuracy; });
}

double MeanActions(const Row& row) {
  return MeanOf(row, [](const TrialResult& trial) { return static_cast<double>(trial.actions); });
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

Twins TwinsOf(const Row& a, const Row& b) {
  std::map<uint64_t, uint64_t> hashes;
  for (const TrialResult& trial : a.trials) {
    hashes[trial.seed] = trial.parameter_hash;
  }
  Twins twins;
  for (const TrialResult& trial : b.trials) {
    const auto twin = hashes.find(trial.seed);
    if (twin != hashes.end()) {
      ++twins.pairs;
      twins.identical += twin->second == trial.parameter_hash ? 1 : 0;
    }
  }
  return twins;
}

}  // namespace lehr
