#include "tests/study/efficacy/study.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/study/efficacy/arm.h"
#include "tests/study/efficacy/study_task.h"
#include "tests/study/efficacy/trial.h"
#include "tests/study/efficacy/tuning.h"
#include "trainer/dataset.h"

namespace lehr {
namespace {

// No seed is for tuning and in the table. Those between were an earlier table's, and were looked
// at.
constexpr uint64_t kTableSeeds = 600'000;
constexpr uint64_t kTuningSeeds = 100'000;

struct Job {
  const StudyTask* task;
  const Dataset* data;
  Arm arm;
  uint64_t seed;
};

bool IsChosen(const std::vector<std::string>& chosen, const std::string& name) {
  return chosen.empty() || std::find(chosen.begin(), chosen.end(), name) != chosen.end();
}

bool IsTask(const std::string& name) {
  return std::any_of(StudyTasks().begin(), StudyTasks().end(),
                     [&](const StudyTask& task) { return task.name == name; });
}

class Study {
 public:
  Study(const StudyPlan& plan, ResultFile& file) : plan_(plan), file_(file) {}

  absl::Status Plan() {
    std::set<std::tuple<std::string, std::string, uint64_t>> done;
    for (const TrialResult& result : file_.results()) {
      done.emplace(result.task, result.arm, result.seed);
      seconds_before_ = std::max(seconds_before_, result.study_seconds);
    }
    for (const std::string& name : plan_.tasks) {
      if (!IsTask(name)) {
        return absl::InvalidArgumentError(absl::StrCat("no task is named ", name));
      }
    }
    std::set<std::string> policies;
    for (const StudyTask& task : StudyTasks()) {
      if (!IsChosen(plan_.tasks, task.name)) {
        continue;
      }
      absl::StatusOr<Dataset> data = LoadStudyData(task);
      if (!data.ok()) {
        return data.status();
      }
      data_.push_back(std::make_unique<Dataset>(*std::move(data)));
      const int seeds = plan_.seeds > 0 ? plan_.seeds : task.seeds;
      for (const Arm& arm : plan_.tune ? TuningGrid(task) : TableArms(task)) {
        policies.insert(arm.name);
        for (int i = 0; i < seeds && IsChosen(plan_.policies, arm.name); ++i) {
          const uint64_t seed = FirstSeed() + i;
          if (done.count({task.name, arm.title, seed}) == 0) {
            jobs_.push_back({&task, data_.back().get(), arm, seed});
          }
        }
      }
    }
    for (const std::string& name : plan_.policies) {
      if (policies.count(name) == 0) {
        return absl::InvalidArgumentError(absl::StrCat("no policy to run is named ", name));
      }
    }
    return absl::OkStatus();
  }

  uint64_t FirstSeed() const {
    return plan_.first_seed.value_or(plan_.tune ? kTuningSeeds : kTableSeeds);
  }

  absl::Status Run() {
    std::vector<std::thread> threads;
    for (int i = 0; i < plan_.threads; ++i) {
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

 private:
  using Clock = std::chrono::steady_clock;

  void Work() {
    for (size_t i = next_++; i < jobs_.size(); i = next_++) {
      const Job& job = jobs_[i];
      absl::StatusOr<TrialResult> result = RunTrial(*job.task, *job.data, job.arm, job.seed);
      const std::lock_guard lock(mutex_);
      if (result.ok()) {
        result->study_seconds =
            seconds_before_ + std::chrono::duration<double>(Clock::now() - begin_).count();
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

  const StudyPlan& plan_;
  ResultFile& file_;
  const Clock::time_point begin_ = Clock::now();
  // What earlier calls took.
  double seconds_before_ = 0;
  std::vector<std::unique_ptr<Dataset>> data_;
  std::vector<Job> jobs_;
  std::atomic<size_t> next_ = 0;
  std::mutex mutex_;
  size_t done_ = 0;
  absl::Status status_;
};

}  // namespace

absl::Status RunStudy(const StudyPlan& plan, ResultFile& file) {
  Study study(plan, file);
  const absl::Status status = study.Plan();
  return status.ok() ? study.Run() : status;
}

}  // namespace lehr
