#include "tests/simulation/simulation.h"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "tests/simulation/supervisor_process.h"
#include "tests/simulation/training_job.h"

namespace lehr::simulation {
namespace {

// In the quiet that follows on the faults: by then every wait of a client, a supervisor and a
// keepalive has passed, twice.
constexpr absl::Duration kRecoveryBound = absl::Seconds(240);
// And so many decisions in which every rank was counted show that all is well.
constexpr int64_t kHealthyDecisions = 5;

class Simulation {
 public:
  Simulation(uint64_t seed, bool trace, Metrics& metrics)
      : random_(seed),
        scenario_(Scenario::Draw(random_)),
        checker_(scenario_, queue_, trace),
        metrics_(metrics) {}

  Result Run() {
    checker_.Trace("settings: ", scenario_.settings.ShortDebugString(),
                   " ranks: ", scenario_.world_size);
    if (random_.Chance(0.8)) {
      StartSupervisor();
    } else {
      queue_.After(random_.Between(absl::ZeroDuration(), absl::Seconds(20)),
                   [this] { StartSupervisor(); });
    }
    StartJob();
    Schedule(scenario_.faults.supervisor_crash, &Simulation::CrashSupervisor);
    Schedule(scenario_.faults.supervisor_stop, &Simulation::StopSupervisor);
    Schedule(scenario_.faults.disk_full, &Simulation::FillDisk);
    Schedule(scenario_.faults.stream_break, &Simulation::BreakStream);
    Schedule(scenario_.faults.partition, &Simulation::Partition);
    Schedule(scenario_.faults.rank_stall, &Simulation::StallRank);
    Schedule(scenario_.faults.rank_crash, &Simulation::CrashRank);
    Schedule(scenario_.faults.operator_act, &Simulation::OperatorActs);
    const absl::Time heal_at = queue_.now() + scenario_.faulty_for;
    while (checker_.fault().empty() && queue_.now() < heal_at && queue_.Step()) {
    }
    Heal();
    RunUntilHealthy();
    return {checker_.fault(), checker_.counts()};
  }

 private:
  bool quiet() const { return quiet_; }
  SupervisorProcess& supervisor() { return *supervisors_.back(); }
  bool supervised() const { return !supervisors_.empty() && supervisors_.back()->alive(); }
  TrainingJob& job() { return *jobs_.back(); }

  void Schedule(absl::Duration mean, void (Simulation::*fault)()) {
    if (mean == absl::InfiniteDuration()) {
      return;
    }
    queue_.After(random_.Until(mean), [this, mean, fault] {
      if (!quiet()) {
        (this->*fault)();
        Schedule(mean, fault);
      }
    });
  }

  // ---- The supervisor and its disk.

  void StartSupervisor() {
    if (supervised()) {
      return;
    }
    disk_.full = false;
    supervisors_.push_back(std::make_unique<SupervisorProcess>(
        SupervisorProcess::Options{.scenario = scenario_,
                                   .queue = queue_,
                                   .random = random_,
                                   .disk = disk_,
                                   .checker = checker_,
                                   .metrics = metrics_,
                                   .on_exit = [this] { RestartSupervisor(); }}));
  }

  void RestartSupervisor() {
    const absl::Duration downtime =
        random_.Chance(0.5) ? absl::Milliseconds(500) : absl::Seconds(10);
    queue_.After(random_.Between(absl::ZeroDuration(), downtime), [this] { StartSupervisor(); });
  }

  void CrashSupervisor() {
    if (supervised()) {
      supervisor().Crash(/*with_its_machine=*/random_.Chance(0.2));
      RestartSupervisor();
    }
  }

  void StopSupervisor() {
    if (supervised()) {
      supervisor().StopCleanly();
      RestartSupervisor();
    }
  }

  void FillDisk() {
    checker_.Trace("the disk is full");
    disk_.full = true;
  }

  // ---- The network.

  void BreakStream() {
    RankProcess& rank = AnyRank();
    checker_.Trace("the stream of process ", rank.number(), " breaks");
    rank.BreakStream();
  }

  void Partition() {
    const absl::Time until =
        queue_.now() + random_.Between(absl::Milliseconds(100), absl::Seconds(20));
    const bool up = random_.Chance(0.7);
    const bool down = !up || random_.Chance(0.7);
    const bool all = random_.Chance(0.4);
    const RankProcess& one = AnyRank();
    for (size_t i = 0; i < job().world_size(); ++i) {
      RankProcess& rank = job().rank(i);
      if (!all && &rank != &one) {
        continue;
      }
      checker_.Trace("process ", rank.number(), " is cut off", up ? " up" : "", down ? " down" : "",
                     " for ", absl::FormatDuration(until - queue_.now()));
      (up ? rank.link().up_blocked_until : rank.link().down_blocked_until) = until;
      if (down) {
        rank.link().down_blocked_until = until;
      }
    }
  }

  // ---- The training.

  RankProcess& AnyRank() {
    return job().rank(
        static_cast<size_t>(random_.Between(0, static_cast<int64_t>(job().world_size()) - 1)));
  }

  void StallRank() {
    job().Stall(
        static_cast<size_t>(random_.Between(0, static_cast<int64_t>(job().world_size()) - 1)),
        random_.Between(absl::Milliseconds(100), absl::Seconds(10)));
  }

  void StartJob() {
    std::optional<TrainingCheckpoint> from;
    if (!checkpoints_.empty() && random_.Chance(0.8)) {
      const size_t back = random_.Chance(0.8) ? 0 : random_.Next() % checkpoints_.size();
      from = checkpoints_[checkpoints_.size() - 1 - back];
    }
    branch_ += random_.Chance(0.3);
    if (random_.Chance(0.2)) {
      scenario_.world_size = static_cast<uint32_t>(random_.Between(1, 4));
    }
    jobs_.push_back(std::make_unique<TrainingJob>(TrainingJob::Options{
        .scenario = scenario_,
        .queue = queue_,
        .random = random_,
        .checker = checker_,
        .number = static_cast<uint32_t>(jobs_.size() + 1),
        .world_size = scenario_.world_size,
        .branch = branch_,
        .from = std::move(from),
        .connect =
            [this](const std::shared_ptr<Stream>& stream, uint32_t process) {
              if (!supervised()) {
                return false;
              }
              supervisor().Accept(stream, process);
              return true;
            },
        .checkpointed =
            [this](TrainingCheckpoint checkpoint) {
              std::erase_if(checkpoints_, [&](const TrainingCheckpoint& older) {
                return older.key.second == checkpoint.key.second;
              });
              checkpoints_.push_back(std::move(checkpoint));
            },
        .left = [this] { StartJob(); },
    }));
  }

  // A rank that crashes takes its job down. Now and then the old job goes on for a while beside the
  // new one, because somebody took it for dead.
  void CrashRank() {
    TrainingJob& old = job();
    const bool lives_on = random_.Chance(0.2);
    checker_.Trace("job ", old.attempt(), " ends", lives_on ? " late" : "");
    if (!lives_on) {
      old.Kill(/*with_its_machine=*/random_.Chance(0.2));
    } else {
      queue_.After(random_.Between(absl::Seconds(1), absl::Seconds(20)), [&old] {
        if (!old.dead()) {
          old.Kill(/*with_its_machine=*/false);
        }
      });
    }
    StartJob();
  }

  void OperatorActs() {
    if (!supervised()) {
      return;
    }
    const double choice = random_.Unit();
    if (choice < 0.45) {
      supervisor().SetObserve(random_.Chance(0.5));
    } else if (choice < 0.97) {
      supervisor().StopActing(random_.Chance(0.5));
    } else {
      supervisor().EndRun();
    }
  }

  // ---- The quiet.

  void Heal() {
    checker_.Trace("no more faults");
    quiet_ = true;
    disk_.full = false;
    for (const std::unique_ptr<TrainingJob>& job : jobs_) {
      if (job != jobs_.back() && !job->dead()) {
        job->Kill(/*with_its_machine=*/false);
      }
      job->Calm();
      for (size_t i = 0; i < job->world_size(); ++i) {
        Link& link = job->rank(i).link();
        link.up_blocked_until = link.down_blocked_until = absl::InfinitePast();
      }
    }
  }

  void RunUntilHealthy() {
    const absl::Time deadline = queue_.now() + kRecoveryBound;
    int64_t healthy = -1;
    while (checker_.fault().empty() && !checker_.run_ended() && queue_.Step()) {
      if (healthy < 0 && supervised()) {
        healthy = checker_.full_decisions();
      }
      if (supervised() && checker_.full_decisions() >= kHealthyDecisions &&
          checker_.full_decisions() != healthy) {
        return;
      }
      if (job().refused() && !checker_.run_ended()) {
        // An older job was taken for a newer one, because it came later: people start it anew.
        job().Kill(/*with_its_machine=*/false);
        StartJob();
        job().Calm();
      }
      if (queue_.now() > deadline) {
        checker_.Fail("no decisions with all ranks, long after the last fault");
      }
    }
  }

  EventQueue queue_;
  Random random_;
  Scenario scenario_;
  Checker checker_;
  Metrics& metrics_;
  Disk disk_;
  std::vector<std::unique_ptr<SupervisorProcess>> supervisors_;
  std::vector<std::unique_ptr<TrainingJob>> jobs_;
  std::vector<TrainingCheckpoint> checkpoints_;
  uint32_t branch_ = 0;
  bool quiet_ = false;
};

}  // namespace

Result Simulate(uint64_t seed, bool trace, Metrics& metrics) {
  return std::make_unique<Simulation>(seed, trace, metrics)->Run();
}

}  // namespace lehr::simulation
