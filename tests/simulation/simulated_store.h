// The journal's promise on a simulated disk: records are numbered in order, become durable in group
// commits at simulated times, and a crash takes back the newest ones.
#ifndef LEHR_TESTS_SIMULATION_SIMULATED_STORE_H_
#define LEHR_TESTS_SIMULATION_SIMULATED_STORE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/journal/run_store.h"
#include "tests/simulation/event_queue.h"
#include "tests/simulation/random.h"
#include "tests/simulation/scenario.h"

namespace lehr::simulation {

// (generation, step)
using StepKey = std::pair<uint64_t, int64_t>;

// What survives a crash.
struct Disk {
  struct Checkpoint {
    uint32_t branch = 0;
    uint64_t sequence = 0;
    std::string policy_state;
  };
  struct Run {
    journal::v1::RunRecord record;
    std::map<uint64_t, journal::v1::GenerationRecord> generations;
    std::map<StepKey, RecordedDecision> decisions;
    std::map<StepKey, Checkpoint> checkpoints;
    std::map<StepKey, std::map<uint32_t, v1::CommandOutcome::Result>> outcomes;
  };

  uint64_t epoch = 0;
  uint64_t sequence = 0;
  bool clean = true;
  bool acting_stopped = false;
  std::map<std::string, Run> runs;
  // Until it is repaired, every commit fails.
  bool full = false;
};

// What the store tells of itself, beside its interface. All may be called within an append.
class StoreListener {
 public:
  virtual ~StoreListener() = default;
  virtual void OnGeneration(const journal::v1::GenerationRecord& generation) = 0;
  virtual void OnDecision(const v1::Decision& decision) = 0;
  virtual void OnOutcome(uint64_t generation, int64_t step, uint32_t rank,
                         v1::CommandOutcome::Result result) = 0;
  virtual void OnCheckpoint(uint64_t generation, int64_t step) = 0;
  // A record contradicts another one.
  virtual void OnContradiction(const std::string& what) = 0;
};

class SimulatedStore final : public RunStore {
 public:
  struct Options {
    const Scenario& scenario;
    EventQueue& queue;
    Random& random;
    Disk& disk;
    StoreListener& listener;
    // More is durable.
    std::function<void()> on_durable;
    // A commit failed: the process is to exit.
    std::function<void()> on_failure;
  };
  // As Journal::Open: raises the epoch durably.
  explicit SimulatedStore(Options options);

  // The process is gone. The commit under way may have been done or not.
  void Crash();
  // As Journal::Flush and Close. False: the disk is full.
  bool Close();
  // Makes all that was appended durable, now. False: the disk is full.
  bool Flush();

  // Of a decision that was appended.
  bool IsDurable(const StepKey& key) const { return pending_.count(key) == 0; }
  // Whether a crash can take back any decision of the generation up to this step.
  bool IsDurableThrough(const StepKey& key) const {
    const auto oldest = pending_.lower_bound({key.first, 0});
    return oldest == pending_.end() || oldest->first > key;
  }

  uint64_t epoch() const override { return epoch_; }
  absl::Status RaiseEpochAbove(uint64_t epoch) override;
  bool clean_stop() const override { return clean_stop_; }
  absl::StatusOr<RecoveredState> Recover() override;
  uint64_t AppendRun(const journal::v1::RunRecord& run) override;
  uint64_t AppendGeneration(const journal::v1::GenerationRecord& generation) override;
  uint64_t AppendDecision(const std::string& run_id, const v1::Decision& decision,
                          std::string policy_state) override;
  uint64_t AppendOutcome(const std::string& run_id, uint64_t generation, int64_t step,
                         uint32_t rank, v1::CommandOutcome::Result result) override;
  uint64_t AppendCheckpoint(const std::string& run_id, uint64_t generation, uint32_t branch,
                            int64_t step, std::string policy_state) override;
  uint64_t SetActingStopped(bool stopped) override;
  uint64_t durable() const override { return options_.disk.sequence; }
  absl::StatusOr<std::optional<RecordedDecision>> FindDecision(const std::string& run_id,
                                                               uint64_t generation,
                                                               int64_t step) override;

 private:
  struct Entry {
    std::function<void(Disk&)> write;
    // Of a decision.
    std::optional<StepKey> decision;
  };

  uint64_t Append(Entry entry);
  void ScheduleCommit();
  void BeginCommit();
  void EndCommit(size_t entries);
  void Write(size_t entries);

  const Options options_;
  uint64_t epoch_;
  const bool clean_stop_;
  std::vector<Entry> waiting_;
  std::map<StepKey, RecordedDecision> pending_;
  // Of the first that waits and is not being written.
  absl::Time waiting_since_;
  size_t being_written_ = 0;
  bool scheduled_ = false;
  // Set false by a crash, so that what was scheduled does nothing.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lehr::simulation

#endif  // LEHR_TESTS_SIMULATION_SIMULATED_STORE_H_
