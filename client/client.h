// What a C++ trainer links: it reports losses to a supervisor, and perturbs the parameters when the
// supervisor says so.
//
//   lehr::ClientOptions options;
//   options.supervisor = "127.0.0.1:7070";
//   options.run_id = "digits-3";
//   options.settings.mutable_policy()->mutable_error_driven()->set_base_noise_level(0.1);
//   auto client = lehr::Client::Create(std::move(options));
//   if (!client.ok()) ...    // the status says which option is wrong
//   for (int64_t step = 0; step < steps; ++step) {
//     ... forward, losses, backward, optimizer update ...
//     lehr::StepResult result = (*client)->Step(step, losses, example_ids, tensors);
//     for (size_t i : result.reset_optimizer_state) optimizer.Reset(i);
//   }
//   (*client)->Leave(/*completed=*/true);
//
// Fails open: no supervisor, a slow one or a broken one costs a bounded wait at most and never an
// error. Reconnects by itself, and then goes on where it was.
//
// Not thread-safe: one thread calls, or the callers take turns. Threads of its own speak with the
// supervisor. gRPC does not survive fork(): create the client after forking, and fork no more
// processes that use it.
#ifndef LEHR_CLIENT_CLIENT_H_
#define LEHR_CLIENT_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "client/client_options.h"
#include "client/core/perturbation.h"
#include "lehr/v1/decision.pb.h"

namespace lehr {

class Command;
class EventLog;
class SupervisorConnection;

struct StepResult {
  // The supervisor is reached.
  bool connected = false;
  // The newest decision that came since the last step; unset if none did.
  std::optional<v1::Decision> decision;
  // A command was applied: parameters are changed, before the forward pass of the next step.
  bool applied = false;
  // Parameters that were perturbed or made part of an identity, those that were left alone because
  // they were not finite, and, of the perturbed ones in 16 bits, those that kept their bits because
  // the noise was too small.
  uint64_t perturbed = 0;
  uint64_t non_finite = 0;
  uint64_t unchanged = 0;
  // Indices into `tensors` of those whose optimizer state must become what it was before the first
  // step. Ascending.
  std::vector<size_t> reset_optimizer_state;
  // Of the run; 0 until the supervisor was reached once. A checkpoint stores it.
  uint64_t generation = 0;
};

class Client {
 public:
  // Checks the options and starts to connect in the background; never waits for the network.
  // INVALID_ARGUMENT with the offending value for an option out of bounds.
  static absl::StatusOr<std::unique_ptr<Client>> Create(ClientOptions options);

  // Prompt: cancels what is under way. Without Leave the supervisor takes it for a crash.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Once a step, on every rank: after the optimizer's update of `step` and before the forward pass
  // of the next. Reports the losses, waits (bounded) for the decision about step - lag, agrees, and
  // applies the command for step + 1, if there is one, to `tensors` in place.
  //
  // `losses`: one per example, in any order; NaN, infinite and negative ones are left out by the
  // supervisor. Bound: 2^24. `example_ids`: empty, or one for each loss. `tensors`: the same ones,
  // in the same order, on each step. Steps grow; one that does not, or a broken bound, is logged
  // and not reported.
  StepResult Step(int64_t step, absl::Span<const float> losses,
                  absl::Span<const uint64_t> example_ids, absl::Span<const Tensor> tensors);

  // The same for a step that no other follows, where a perturbation would only spoil the result:
  // reports and waits, but neither agrees nor applies.
  StepResult LastStep(int64_t step, absl::Span<const float> losses,
                      absl::Span<const uint64_t> example_ids);

  // ---- Step in parts, for ranks that sum their gradients by an all-reduce: the agreement rides on
  // it, and with a lag of 0 the round trip hides behind the backward pass. Set can_agree.
  //
  //   ... forward, losses ...
  //   client->Report(step, losses, example_ids);
  //   ... backward ...
  //   const uint64_t hash = client->AwaitCommandHash(tensors);
  //   ... one all-reduce: the sum of the gradients, the least and the greatest hash ...
  //   ... optimizer update ...
  //   lehr::StepResult result = client->Apply({.min = least, .max = greatest});
  //
  // Every rank makes each of the calls in each step, in this order.

  // Sends the losses. Does not wait. Arguments as in Step.
  void Report(int64_t step, absl::Span<const float> losses, absl::Span<const uint64_t> example_ids);

  // Waits for the decision about step - lag, at most decision_timeout from Report on. Returns the
  // hash of the command that this rank holds for the next step; 0: none. `tensors`: as in Step; the
  // span must stay valid until Apply, their values may change.
  uint64_t AwaitCommandHash(absl::Span<const Tensor> tensors);

  // Applies the command if `agreed` says that every rank brought its hash.
  StepResult Apply(const AgreeResult& agreed);

  // Instead of Apply, where no step follows.
  StepResult Discard();

  // ----

  // The next report will be late for a known reason (evaluation, checkpoint); the supervisor waits
  // for it this long. `reason`: for display, cut at 64 bytes. `at_most`: cut at 24 h.
  void Pause(std::string_view reason, absl::Duration at_most);

  // A checkpoint that holds the update of `step` is written: a run that resumes from it finds the
  // policy's state as it was.
  void Checkpointed(int64_t step);

  // The rank ends on purpose. Waits for the supervisor's good-bye, at most decision_timeout. Later
  // steps are not reported.
  void Leave(bool completed);

 private:
  explicit Client(ClientOptions options);
  AgreeResult Agree(uint64_t hash) const;
  void ApplyIfAgreed(const Command& command, const AgreeResult& agreed, StepResult& result);
  void DigestParameters(int64_t next_step, bool applied);
  void Conclude(StepResult& result);

  const ClientOptions options_;
  const std::unique_ptr<EventLog> log_;
  const std::unique_ptr<SupervisorConnection> connection_;
  Snapshots snapshots_;
  // Of the last step; 0: not yet in one.
  uint64_t generation_ = 0;
  int64_t last_step_;
  // last_step_ is reported, and its decision not yet awaited.
  bool awaits_decision_ = false;
  // Of the step at hand, from AwaitCommandHash on.
  std::unique_ptr<const Command> command_;
  absl::Span<const Tensor> tensors_;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_CLIENT_H_
