// The efficacy study: every task under every policy, seed by seed.
//
//   build/bin/efficacy --out=FOLDER                    the table, with the seeds of each task
//   build/bin/efficacy --out=FOLDER --seeds=20 --tasks=digits-deep,xor-paper --arms=reheat,none
//   build/bin/efficacy --out=FOLDER --tune             the peers' grid, on the tuning seeds
//   build/bin/efficacy --out=FOLDER --check            the short form: fails if a promise is broken
//
// It goes on where an earlier call with the same folder stopped.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <fstream>
#include <iostream>
#include <mutex>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/study/efficacy/report.h"
#include "tests/study/efficacy/result_file.h"

namespace lehr {
namespace {

// Seeds of the table are from here on, those for tuning from the other: no seed is in both.
constexpr uint64_t kTableSeeds = 200'000;
constexpr uint64_t kTuningSeeds = 100'000;

struct Flags {
  std::string out = "efficacy";
  std::vector<std::string> tasks;
  std::vector<std::string> arms;
  int seeds = 0;
  int threads = static_cast<int>(std::thread::hardware_concurrency());
  bool tune = false;
  bool check = false;
};

struct Job {
  const StudyTask* task;
  const Dataset* data;
  Arm arm;
  uint64_t seed;
};

bool IsChosen(const std::vector<std::string>& chosen, const std::string& name) {
  return chosen.empty() || std::find(chosen.begin(), chosen.end(), name) != chosen.end();
}

// A grid's arms differ in their settings: those are then part of the name.
std::string NameOf(const Arm& arm, bool tune) { return tune ? arm.title : arm.name; }

class Study {
 public:
  Study(const Flags& flags, ResultFile file) : flags_(flags), file_(std::move(file)) {}

  absl::Status Plan() {
    std::set<std::tuple<std::string, std::string, uint64_t>> done;
    for (const TrialResult& result : file_.results()) {
      done.emplace(result.task, result.arm, result.seed);
    }
    for (const StudyTask& task : StudyTasks()) {
      if (!IsChosen(flags_.tasks, task.name)) {
        continue;
      }
      absl::StatusOr<Dataset> data = LoadStudyData(task);
      if (!data.ok()) {
        return data.status();
      }
      data_.push_back(std::make_unique<Dataset>(*std::move(data)));
      const int seeds = flags_.seeds > 0 ? flags_.seeds : task.seeds;
      for (const Arm& arm : flags_.tune ? TuningGrid(task) : TableArms(task)) {
        for (int i = 0; i < seeds && IsChosen(flags_.arms, arm.name); ++i) {
          const uint64_t seed = (flags_.tune ? kTuningSeeds : kTableSeeds) + i;
          if (done.count({task.name, NameOf(arm, flags_.tune), seed}) == 0) {
            jobs_.push_back({&task, data_.back().get(), arm, seed});
          }
        }
      }
    }
    return absl::OkStatus();
  }

  absl::Status Run() {
    std::vector<std::thread> threads;
    for (int i = 0; i < flags_.threads; ++i) {
      threads.emplace_back([this] { Work(); });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    if (isatty(STDERR_FILENO) != 0) {
      std::cerr << std::endl;
    }
    return status_;
  }

  const std::vector<TrialResult>& results() const { return file_.results(); }

 private:
  void Work() {
    for (size_t i = next_++; i < jobs_.size(); i = next_++) {
      const Job& job = jobs_[i];
      absl::StatusOr<TrialResult> result = RunTrial(*job.task, *job.data, job.arm, job.seed);
      const std::lock_guard lock(mutex_);
      if (result.ok()) {
        result->arm = NameOf(job.arm, flags_.tune);
        status_.Update(file_.Append(*result));
      } else {
        status_.Update(result.status());
      }
      if (!status_.ok()) {
        next_ = jobs_.size();
        return;
      }
      ++done_;
      ShowProgress(job);
    }
  }

  void ShowProgress(const Job& job) const {
    if (isatty(STDERR_FILENO) == 0) {
      return;
    }
    constexpr size_t kBar = 40;
    const size_t filled = kBar * done_ / jobs_.size();
    std::cerr << absl::StrFormat("\r[%s%s] %d/%d %-40s", std::string(filled, '#'),
                                 std::string(kBar - filled, '.'), done_, jobs_.size(),
                                 absl::StrCat(job.task->name, " ", job.arm.name))
              << std::flush;
  }

  const Flags& flags_;
  ResultFile file_;
  std::vector<std::unique_ptr<Dataset>> data_;
  std::vector<Job> jobs_;
  std::atomic<size_t> next_ = 0;
  std::mutex mutex_;
  size_t done_ = 0;
  absl::Status status_;
};

void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

// One run of each task under reheat, the first seed that it touches among the results.
void WriteTraces(const std::string& folder, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    if (row.arm != "reheat" || row.task->healthy) {
      continue;
    }
    for (const TrialResult& trial : row.trials) {
      const absl::StatusOr<Dataset> data = LoadStudyData(*row.task);
      if (trial.actions == 0 || !data.ok()) {
        continue;
      }
      Trace trace;
      if (RunTrial(*row.task, *data, {.name = "reheat"}, trial.seed, &trace).ok()) {
        Write(absl::StrCat(folder, "/trace-", row.task->name, ".svg"),
              TracePlot(trace, absl::StrCat(row.task->title, ", seed ", trial.seed)));
      }
      break;
    }
  }
}

// What no change may break, on the few seeds of the short form.
bool KeepsPromises(const std::vector<Row>& rows) {
  bool kept = true;
  for (const Row& row : rows) {
    const auto count = static_cast<int64_t>(row.trials.size());
    for (const TrialResult& trial : row.trials) {
      if (row.arm == "reheat" && row.task->healthy && trial.actions > 0) {
        std::cerr << row.task->name << ": healthy seed " << trial.seed << " was touched\n";
        kept = false;
      }
    }
    if (row.arm == "reheat" && Successes(row) * 100 < count * 95) {
      std::cerr << row.task->name << ": only " << Successes(row) << " of " << count
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
  Study study(flags, *std::move(file));
  absl::Status status = study.Plan();
  if (status.ok()) {
    status = study.Run();
  }
  if (!status.ok()) {
    std::cerr << "efficacy: " << status.message() << std::endl;
    return 1;
  }
  const std::vector<Row> rows = RowsOf(study.results());
  const std::string table = MarkdownTables(rows);
  std::cout << table;
  Write(flags.out + "/table.md", table);
  Write(flags.out + "/results.json", Json(rows));
  for (const StudyTask& task : StudyTasks()) {
    if (std::any_of(rows.begin(), rows.end(), [&](const Row& row) { return row.task == &task; })) {
      Write(absl::StrCat(flags.out, "/rescue-", task.name, ".svg"), RescueCurves(rows, task));
    }
  }
  if (!flags.check && !flags.tune) {
    WriteTraces(flags.out, rows);
  }
  return flags.check && !KeepsPromises(rows) ? 1 : 0;
}

}  // namespace
}  // namespace lehr

int main(int argc, char** argv) {
  CLI::App app("Every task of the study under every policy, seed by seed.", "efficacy");
  lehr::Flags flags;
  app.add_option("--out", flags.out, "existing folder for results, table and plots [efficacy]")
      ->check(CLI::ExistingDirectory);
  app.add_option("--tasks", flags.tasks, "only these, by commas")->delimiter(',');
  app.add_option("--arms", flags.arms, "only these policies, by commas")->delimiter(',');
  app.add_option("--seeds", flags.seeds, "seeds of each task; 0: as many as the table has")
      ->check(CLI::Range(0, 100'000));
  app.add_option("--threads", flags.threads, "trials at a time")->check(CLI::Range(1, 256));
  app.add_flag("--tune", flags.tune, "the peers' grid, on seeds that the table has not");
  app.add_flag("--check", flags.check, "fail if reheat misses its promises");
  CLI11_PARSE(app, argc, argv);
  return lehr::Main(flags);
}
