// One process of a training job: the production correspondence and commands on simulated streams,
// and a few parameters and a learning rate that it really changes.
#ifndef LEHR_TESTS_SIMULATION_RANK_PROCESS_H_
#define LEHR_TESTS_SIMULATION_RANK_PROCESS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/client_options.h"
#include "client/command.h"
#include "client/correspondence.h"
#include "client/event_log.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/network.h"
#include "tests/simulation/scenario.h"

namespace lehr::simulation {

struct Parameters {
  std::vector<float> weight = {1, 2, 3, 4};
  std::vector<float> bias = {4, 5};

  bool operator==(const Parameters&) const = default;
};

class RankProcess {
 public:
  struct Options {
    const Scenario& scenario;
    EventQueue& queue;
    Random& random;
    Checker& checker;
    // Of all processes of the simulation.
    uint32_t number = 0;
    v1::Join join;
    Link link;
    // The supervisor takes the stream; false: none is there.
    std::function<bool(const std::shared_ptr<Stream>&, uint32_t process)> connect;
  };
  RankProcess(Options options, Parameters parameters);

  // As Client::Step in parts: reports, and calls `hashed` with the hash of the command that it
  // holds for the next step once it need not wait any longer.
  void Report(int64_t step, std::vector<float> losses, std::function<void(uint64_t)> hashed);
  // The ranks have agreed, or not. True: the command was applied.
  bool Apply(int64_t step, const AgreeResult& agreed);
  // The optimizer's update of a step.
  void Train(int64_t step);

  void Pause(absl::Duration at_most);
  void Checkpointed(int64_t step);
  void Leave();
  void Die(bool with_its_machine);
  void BreakStream();

  Link& link() { return options_.link; }
  const Parameters& parameters() const { return parameters_; }
  // Of the learning rate.
  float factor() const { return factor_; }
  const Session& session() const { return letters_.session(); }
  // The step of the decision that is held or was just applied.
  const std::optional<HeldDecision>& held() const { return held_; }
  uint32_t number() const { return options_.number; }

 private:
  void Connect();
  void Carry();
  void Ended(const absl::Status& status);
  void ContinueIfDone();

  Options options_;
  Parameters parameters_;
  float factor_ = 1;
  EventLog log_;
  Correspondence letters_;
  std::shared_ptr<Stream> stream_;
  bool half_closed_ = false;
  bool dead_ = false;
  std::vector<Tensor> tensors_;
  // None: the policies that are simulated ask for none.
  Snapshots snapshots_{SnapshotHooks()};
  std::optional<HeldDecision> held_;
  std::optional<Command> command_;
  int64_t step_ = -1;
  std::function<void(uint64_t)> hashed_;
};

}  // namespace lehr::simulation

#endif  // LEHR_TESTS_SIMULATION_RANK_PROCESS_H_
