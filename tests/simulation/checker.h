// Holds what happens in a simulation against the promises of the design, by books of its own.
//
// Everything that it is told is a fact of the simulation: what was put on a stream, what came out
// of it, what the store was given and lost, what ranks did. The first fault is kept.
#ifndef LEHR_TESTS_SIMULATION_CHECKER_H_
#define LEHR_TESTS_SIMULATION_CHECKER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "lehr/v1/supervisor.pb.h"
#include "tests/simulation/event_queue.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/simulated_store.h"

namespace lehr::simulation {

class RankProcess;

class Checker final : public StoreListener {
 public:
  Checker(const Scenario& scenario, const EventQueue& queue, bool trace)
      : scenario_(scenario), queue_(queue), trace_(trace) {}

  // The first fault; empty: none.
  const std::string& fault() const { return fault_; }
  void Fail(std::string fault);
  // A line for whoever replays a seed.
  template <typename... Parts>
  void Trace(const Parts&... parts) {
    if (trace_) {
      TraceLine(absl::StrCat(parts...));
    }
  }

  // ---- The supervisor.
  void SupervisorStarted(SimulatedStore& store);
  void SupervisorEnded();
  void SupervisorTicks();
  void SupervisorReceives(uint64_t stream, uint32_t process, const v1::SuperviseRequest& request);
  void SupervisorHandled(uint64_t stream, const v1::SuperviseRequest& request,
                         SimulatedStore& store);
  void SupervisorSends(uint64_t stream, uint32_t process, const v1::SuperviseResponse& response,
                       SimulatedStore& store);
  void PolicyChanged(bool observe, int64_t from_step);
  void ActingStopped(bool stop);
  void RunEnded();

  // ---- Its store.
  void OnGeneration(const journal::v1::GenerationRecord& generation) override;
  void OnDecision(const v1::Decision& decision) override;
  void OnOutcome(uint64_t generation, int64_t step, uint32_t rank,
                 v1::CommandOutcome::Result result) override;
  void OnCheckpoint(uint64_t generation, int64_t step) override;
  void OnContradiction(const std::string& what) override { Fail(what); }

  // ---- The ranks.
  void ProcessStarts(uint32_t process, const v1::Join& join);
  void RankSays(uint32_t process, std::string_view line);
  void RankReceives(uint32_t process, const v1::SuperviseResponse& response);
  void RankSends(uint32_t process, const v1::SuperviseRequest& request);
  void RankReports(uint32_t process, int64_t step);
  void RankContinues(uint32_t process, int64_t step);
  // All ranks of a job have agreed on a step, and each has applied its command or not.
  void JobAgreed(const std::string& attempt, int64_t step,
                 const std::vector<std::unique_ptr<RankProcess>>& ranks,
                 const std::vector<bool>& applied);
  // A job begins from a checkpoint of (generation, step), whose parameters hold the commands of
  // these steps; unset: from scratch.
  void JobStarts(const std::string& attempt, std::vector<int64_t> applied,
                 std::optional<StepKey> checkpoint);
  // The steps whose commands the job's parameters hold, and that its guards must count.
  std::vector<int64_t> AppliedBy(const std::string& attempt) {
    const Job& job = jobs_[attempt];
    return {job.applied.begin() + static_cast<int64_t>(job.guarded_from), job.applied.end()};
  }

  bool run_ended() const { return run_ended_; }
  // Decisions that all ranks of the newest generation reported, since the supervisor started.
  int64_t full_decisions() const { return full_decisions_; }

  // ---- Of all seeds, to see that what should happen does.
  struct Counts {
    uint64_t decisions = 0;
    uint64_t applied = 0;
    uint64_t skipped = 0;
    uint64_t crashes = 0;
    uint64_t restored = 0;
    uint64_t generations = 0;
    uint64_t late = 0;
    uint64_t unknown = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  struct Process {
    v1::Join join;
    uint64_t generation = 0;
    // Decisions of its generation that it has received, and the newest durable_through.
    std::map<int64_t, v1::Decision> received;
    int64_t durable_through = -1;
    bool welcomed_ever = false;
    bool patient = true;
    absl::Time reported_at;
    bool welcomed_before_report = false;
  };
  // A rank in the newest generation, in this life of the supervisor.
  struct Rank {
    uint64_t stream = 0;
    bool joined = false;
    bool left = false;
    bool silent = false;
    int64_t highest = -1;
    absl::Time paused_until = absl::InfinitePast();
  };
  struct Reported {
    // Rank to the losses that count.
    std::map<uint32_t, std::vector<float>> losses;
    absl::Time first;
    absl::Time last;
  };

  // Of a generation that was opened in this life, and whose guards began afresh.
  struct Breaker {
    bool is_known = false;
    bool is_open = false;
    double greatest_mean = 0;
    int64_t acted_at = -1;
  };
  struct Job {
    std::vector<int64_t> applied;
    // Of those, the first that its guards must count.
    size_t guarded_from = 0;
    std::optional<StepKey> checkpoint;
    uint64_t generation = 0;
  };

  void TraceLine(const std::string& line);
  void BeginGeneration(const journal::v1::GenerationRecord& record);
  void CheckWelcome(uint64_t stream, uint32_t process, const v1::Welcome& welcome,
                    const SimulatedStore& store);
  void CheckSent(const v1::Decision& decision, SimulatedStore& store);
  void CheckDurable(int64_t through, const SimulatedStore& store);
  void TakeReport(uint32_t number, const v1::Report& report);
  void OpenGate();
  void OpenGateIfAllJoined();
  void CheckClosed(const v1::Decision& decision);
  void CheckObservation(const v1::Decision& decision, const Reported& reported);
  void CheckWaits(const v1::Decision& decision, const Reported& reported);
  void CheckActing(const v1::Decision& decision);
  void CheckGuards(const Job& job);
  void WatchBreaker(const v1::Decision& decision);
  void CheckRestored(uint64_t stream, const v1::Join& join, SimulatedStore& store);

  const Scenario& scenario_;
  const EventQueue& queue_;
  const bool trace_;
  std::string fault_;
  Counts counts_;

  // ---- For good.
  std::map<uint32_t, Process> processes_;
  uint64_t highest_epoch_ = 0;
  // Of each key: the actions that were applied, and by whom.
  std::map<StepKey, std::string> applied_;
  std::map<uint64_t, std::string> attempt_of_generation_;
  // (branch, step) to seed.
  std::map<std::pair<uint32_t, int64_t>, uint64_t> seeds_;
  // Of acting decisions: what was sent first.
  std::map<StepKey, std::string> sent_actions_;
  std::map<std::string, Job> jobs_;
  bool run_ended_ = false;

  // ---- Of this life of the supervisor.
  SimulatedStore* store_ = nullptr;
  bool clean_start_ = true;
  absl::Time started_;
  int64_t recovered_through_ = -1;
  uint64_t generation_ = 0;
  journal::v1::GenerationRecord record_;
  std::vector<Rank> ranks_;
  std::map<uint64_t, uint32_t> rank_of_stream_;
  std::map<int64_t, Reported> reported_;
  // Steps whose decisions ranks have brought back.
  std::set<int64_t> restored_;
  bool gate_open_ = false;
  bool recovered_gate_ = false;
  absl::Time gate_opened_;
  // Steps up to here may have been decided without a trace.
  int64_t unknown_through_ = -1;
  int64_t closed_through_ = -1;
  absl::Time pauses_end_;
  absl::Time last_close_;
  absl::Time last_change_;
  Breaker breaker_;
  bool acting_stopped_ = false;
  std::optional<int64_t> observes_from_;
  int64_t full_decisions_ = 0;
  // In the order in which they were recorded.
  std::vector<StepKey> checkpoints_;
  // Of each stream.
  std::map<uint64_t, v1::Join> joins_;
  // Of the newest.
  uint32_t joining_rank_ = 0;
  // The report that is being handled.
  uint32_t reporting_rank_ = 0;
  bool report_counts_ = false;
};

}  // namespace lehr::simulation

#endif  // LEHR_TESTS_SIMULATION_CHECKER_H_
