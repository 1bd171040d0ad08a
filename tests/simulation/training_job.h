// One start of a training job: ranks in lock step through a collective, which dies as a whole.
#ifndef LEHR_TESTS_SIMULATION_TRAINING_JOB_H_
#define LEHR_TESTS_SIMULATION_TRAINING_JOB_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/checker.h"
#include "tests/simulation/rank_process.h"

namespace lehr::simulation {

// What a job writes to its disk, and another one begins from.
struct TrainingCheckpoint {
  StepKey key;
  Parameters parameters;
  // The steps whose commands the parameters hold.
  std::vector<int64_t> applied;
};

class TrainingJob {
 public:
  struct Options {
    const Scenario& scenario;
    EventQueue& queue;
    Random& random;
    Checker& checker;
    // Of all jobs of the simulation.
    uint32_t number = 0;
    uint32_t world_size = 1;
    uint32_t branch = 0;
    // Unset: from scratch.
    std::optional<TrainingCheckpoint> from;
    std::function<bool(const std::shared_ptr<Stream>&, uint32_t process)> connect;
    std::function<void(TrainingCheckpoint)> checkpointed;
    // Its ranks have left.
    std::function<void()> left;
  };
  explicit TrainingJob(Options options);

  void Kill(bool with_its_machine);
  bool dead() const { return dead_; }
  // No more pauses and leaving, and no long stalls.
  void Calm() { calm_ = true; }
  // The next computing of a rank takes this much longer.
  void Stall(size_t rank, absl::Duration longer) { stalls_[rank] = longer; }

  // A supervisor told a rank not to come back.
  bool refused() const;
  size_t world_size() const { return ranks_.size(); }
  RankProcess& rank(size_t index) { return *ranks_[index]; }
  const std::string& attempt() const { return attempt_; }
  int64_t step() const { return step_; }
  uint64_t applied() const { return applied_; }

 private:
  void BeginStep();
  void Report(size_t rank);
  void Arrive(size_t rank, uint64_t hash);
  void EndStep();
  void Leave();

  const Options options_;
  const std::string attempt_;
  std::vector<std::unique_ptr<RankProcess>> ranks_;
  std::vector<absl::Duration> stalls_;
  int64_t step_ = 0;
  std::vector<uint64_t> hashes_;
  size_t arrived_ = 0;
  uint64_t applied_ = 0;
  bool dead_ = false;
  bool calm_ = false;
};

}  // namespace lehr::simulation

#endif  // LEHR_TESTS_SIMULATION_TRAINING_JOB_H_
