// A job of four ranks on two nodes, with a process for the supervisor and for each sidecar.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "tests/client/rank.h"
#include "tests/server/lehrd_process.h"
#include "tests/temporary_folder.h"

namespace lehr {
namespace {

constexpr uint32_t kRanks = 4;

// The collective of the job: each waits for all.
class AllReduce {
 public:
  AgreeResult MinMax(uint64_t value) {
    absl::MutexLock lock(&mutex_);
    next_.min = came_ == 0 ? value : std::min(next_.min, value);
    next_.max = came_ == 0 ? value : std::max(next_.max, value);
    const int round = round_;
    if (++came_ == kRanks) {
      result_ = next_;
      came_ = 0;
      ++round_;
      changed_.SignalAll();
    }
    while (round_ == round) {
      changed_.Wait(&mutex_);
    }
    return result_;
  }

 private:
  absl::Mutex mutex_;
  absl::CondVar changed_;
  uint32_t came_ = 0;
  int round_ = 0;
  AgreeResult next_;
  AgreeResult result_;
};

class Job {
 public:
  Job(const std::string& left, const std::string& right) {
    for (uint32_t rank = 0; rank < kRanks; ++rank) {
      ClientOptions options = Rank::Options(rank < kRanks / 2 ? left : right);
      options.rank = rank;
      options.world_size = kRanks;
      options.job_attempt = "attempt-1";
      options.decision_timeout = absl::Seconds(10);
      options.settings.mutable_straggler_timeout()->set_seconds(6);
      options.agree = [this](uint64_t hash) { return all_.MinMax(hash); };
      ranks_.push_back(std::make_unique<Rank>(std::move(options)));
    }
  }

  // One step on all ranks at once. Whether the command was applied: by all, or by none.
  bool Step() {
    std::vector<int> applied(kRanks);
    std::vector<std::thread> threads;
    for (uint32_t rank = 0; rank < kRanks; ++rank) {
      threads.emplace_back([&, rank] { applied[rank] = ranks_[rank]->Step(step_).applied; });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    ++step_;
    for (uint32_t rank = 1; rank < kRanks; ++rank) {
      EXPECT_EQ(applied[rank], applied[0]) << "step " << step_;
      EXPECT_EQ(ranks_[rank]->weights, ranks_[0]->weights) << "step " << step_;
    }
    return applied[0] != 0;
  }
  // Steps until a command is applied.
  void StepUntilApplied() {
    for (const absl::Time end = absl::Now() + absl::Minutes(2); absl::Now() < end;) {
      if (Step()) {
        return;
      }
    }
    ADD_FAILURE() << "no command was applied";
  }

 private:
  AllReduce all_;
  std::vector<std::unique_ptr<Rank>> ranks_;
  int64_t step_ = 0;
};

TEST(SidecarProgram, AJobOnTwoNodesOutlivesASidecarAndTheSupervisor) {
  const TemporaryFolder folder;
  const std::string data_dir = "--data_dir=" + folder.Path("data");
  auto lehrd = std::make_unique<LehrdProcess>(
      LEHRD_BINARY, std::vector<std::string>{data_dir, "--listen=127.0.0.1:0"});
  const std::string supervisor = lehrd->address();
  const auto start_sidecar = [&](const std::string& listen) {
    return std::make_unique<LehrdProcess>(
        LEHRD_BINARY, std::vector<std::string>{"--upstream=" + supervisor, "--listen=" + listen});
  };
  auto left = start_sidecar("127.0.0.1:0");
  const auto right = start_sidecar("127.0.0.1:0");
  Job job(left->address(), right->address());
  for (int step = 0; step < 10; ++step) {
    EXPECT_TRUE(job.Step());
  }

  const std::string left_address = left->address();
  left->End(SIGKILL);
  EXPECT_FALSE(job.Step());
  left = start_sidecar(left_address);
  job.StepUntilApplied();

  lehrd->End(SIGKILL);
  EXPECT_FALSE(job.Step());
  lehrd = std::make_unique<LehrdProcess>(
      LEHRD_BINARY, std::vector<std::string>{data_dir, "--listen=" + supervisor});
  job.StepUntilApplied();

  EXPECT_EQ(left->End(SIGTERM), 0);
  EXPECT_EQ(lehrd->End(SIGTERM), 0);
}

}  // namespace
}  // namespace lehr
