// The efficacy study: every task under every policy, seed by seed.
//
//   build/bin/efficacy --out=FOLDER                    the table, with the seeds of each task
//   build/bin/efficacy --out=FOLDER --seeds=20 --tasks=digits-deep,xor-paper --arms=reheat,none
//   build/bin/efficacy --out=FOLDER --tune             the peers' grid, on the tuning seeds
//   build/bin/efficacy --out=FOLDER --check            the short form: fails if a promise is broken
//
// It goes on where an earlier call with the same folder stopped. The table and the grid want a
// folder each.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/study/efficacy/plots.h"
#include "tests/study/efficacy/report.h"
#include "tests/study/efficacy/result_file.h"
#include "tests/study/efficacy/rows.h"
#include "tests/study/efficacy/study.h"
#include "tests/study/efficacy/trial.h"

namespace lehr {
namespace {

struct Flags {
  std::string out = "efficacy";
  StudyPlan plan = {.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()))};
  bool check = false;
};

// False if that fails. An empty text is not written.
bool Write(const std::string& path, const std::string& text) {
  if (text.empty()) {
    return true;
  }
  std::ofstream file(path);
  file << text << std::flush;
  if (!file.good()) {
    std::cerr << "efficacy: cannot write " << path << std::endl;
  }
  return file.good();
}

// The rescue curves of each task that has a goal.
bool WriteCurves(const std::string& folder, const std::vector<Row>& rows) {
  return std::all_of(StudyTasks().begin(), StudyTasks().end(), [&](const StudyTask& task) {
    return task.healthy ||
           Write(absl::StrCat(folder, "/rescue-", task.name, ".svg"), RescueCurves(rows, task));
  });
}

// One run of each task under reheat, the first seed that it touches among the results.
bool WriteTraces(const std::string& folder, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const auto touched = std::find_if(row.trials.begin(), row.trials.end(),
                                      [](const TrialResult& trial) { return trial.actions > 0; });
    if (row.arm != "reheat" || touched == row.trials.end()) {
      continue;
    }
    const absl::StatusOr<Dataset> data = LoadStudyData(*row.task);
    Trace trace;
    if (!data.ok() ||
        !RunTrial(*row.task, *data, {.name = "reheat", .title = "reheat"}, touched->seed, &trace)
             .ok()) {
      return false;
    }
    if (!Write(absl::StrCat(folder, "/trace-", row.task->name, ".svg"),
               TracePlot(trace, absl::StrCat(row.task->title, ", seed ", touched->seed)))) {
      return false;
    }
  }
  return true;
}

// What no change may break, on the few seeds of the short form.
bool KeepsPromises(const std::vector<Row>& rows) {
  bool kept = true;
  for (const Row& row : rows) {
    if (row.arm != "reheat") {
      continue;
    }
    for (const TrialResult& trial : row.trials) {
      if (row.task->healthy && trial.actions > 0) {
        std::cerr << row.task->name << ": healthy seed " << trial.seed << " was touched\n";
        kept = false;
      }
    }
    if (!row.task->healthy && Successes(row) * 100 < Seeds(row) * 95) {
      std::cerr << row.task->name << ": only " << Successes(row) << " of " << Seeds(row)
                << " runs got there\n";
      kept = false;
    }
  }
  return kept;
}

int Main(const Flags& flags) {
  absl::StatusOr<ResultFile> file = ResultFile::Open(flags.out + "/results.csv");
  if (!file.ok()) {
    std::cerr << "efficacy: " << file.status().message() << std::endl;
    return 1;
  }
  const absl::Status status = RunStudy(flags.plan, *file);
  if (!status.ok()) {
    std::cerr << "efficacy: " << status.message() << std::endl;
    return 1;
  }
  const std::vector<Row> rows = RowsOf(file->results());
  const std::string report = flags.plan.tune ? TuningReport(rows) : Report(rows);
  std::cout << report;
  if (!Write(flags.out + (flags.plan.tune ? "/tuning.md" : "/table.md"), report) ||
      !Write(flags.out + "/results.json", Json(rows))) {
    return 1;
  }
  if (flags.check) {
    return KeepsPromises(rows) ? 0 : 1;
  }
  if (!flags.plan.tune && (!WriteCurves(flags.out, rows) || !WriteTraces(flags.out, rows))) {
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace lehr

int main(int argc, char** argv) {
  CLI::App app("Every task of the study under every policy, seed by seed.", "efficacy");
  lehr::Flags flags;
  app.add_option("--out", flags.out, "existing folder for results, table and plots [efficacy]")
      ->check(CLI::ExistingDirectory);
  app.add_option("--tasks", flags.plan.tasks, "only these, by commas")->delimiter(',');
  app.add_option("--arms", flags.plan.policies, "only these policies, by commas")->delimiter(',');
  app.add_option("--seeds", flags.plan.seeds, "seeds of each task; 0: as many as the table has")
      ->check(CLI::Range(0, 100'000));
  app.add_option("--first_seed", flags.plan.first_seed,
                 "of each task [600000; with --tune 100000]");
  app.add_option("--threads", flags.plan.threads, "trials at a time")->check(CLI::Range(1, 256));
  app.add_flag("--tune", flags.plan.tune, "the peers' grid, on seeds that the table has not");
  app.add_flag("--check", flags.check, "fail if reheat misses its promises");
  CLI11_PARSE(app, argc, argv);
  return lehr::Main(flags);
}
