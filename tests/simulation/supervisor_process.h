// One life of a supervisor: the production run table and rank streams on a simulated store, from
// its start to its crash or clean stop.
#ifndef LEHR_TESTS_SIMULATION_SUPERVISOR_PROCESS_H_
#define LEHR_TESTS_SIMULATION_SUPERVISOR_PROCESS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/metrics.h"
#include "server/rank_stream.h"
#include "server/run_table.h"
#include "server/supervised_ranks.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/network.h"
#include "tests/simulation/simulated_store.h"

namespace lehr::simulation {

inline constexpr char kRunId[] = "run";

class SupervisorProcess {
 public:
  struct Options {
    const Scenario& scenario;
    EventQueue& queue;
    Random& random;
    Disk& disk;
    Checker& checker;
    Metrics& metrics;
    // The disk failed, and the process has ended.
    std::function<void()> on_exit;
  };
  explicit SupervisorProcess(Options options);

  bool alive() const { return store_ != nullptr; }
  // A rank has opened a stream. While alive.
  void Accept(const std::shared_ptr<Stream>& stream, uint32_t process);

  void Crash(bool with_its_machine);
  // As main.cc does after SIGTERM.
  void StopCleanly();

  void SetObserve(bool observe);
  void StopActing(bool stop);
  void EndRun();

 private:
  // The server's end of a stream: as SupervisorService on gRPC.
  struct Call {
    Call(RunTable& runs, Metrics& metrics, uint64_t number, std::shared_ptr<Stream> stream,
         uint32_t process)
        : number(number),
          stream(std::move(stream)),
          process(process),
          outbox(std::make_shared<RankOutbox>(OutboxOverflow::kClose)),
          ranks(runs, metrics),
          rank(ranks, outbox) {}
    const uint64_t number;
    const std::shared_ptr<Stream> stream;
    const uint32_t process;
    const std::shared_ptr<RankOutbox> outbox;
    SupervisedRanks ranks;
    RankStream rank;
    bool reading = true;
    bool finished = false;
  };

  void Take(Call& call, const v1::SuperviseRequest& request);
  void Write(const std::shared_ptr<Call>& call);
  void WakeAt(absl::Time time);
  void End();

  const Options options_;
  std::unique_ptr<SimulatedStore> store_;
  std::unique_ptr<RunTable> runs_;
  std::vector<std::shared_ptr<Call>> calls_;
  uint64_t streams_ = 0;
  absl::Time next_tick_ = absl::InfiniteFuture();
};

}  // namespace lehr::simulation

#endif  // LEHR_TESTS_SIMULATION_SUPERVISOR_PROCESS_H_
