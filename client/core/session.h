// One rank's side of the stream with its supervisor, as a state machine: what to send, what to wait
// for and how long, which command to apply, and what to bring back after a reconnect.
//
//            BeginJoin           Welcomed
//   disconnected ───▶ joining ───────────▶ joined        any ── EndStream(kFatal), Close ──▶ closed
//        ▲               │ EndStream          │ EndStream
//        └───────────────┴────────────────────┘
//
// Pure: no I/O, no clock (`now` is an argument), no protobuf. Not thread-safe. Each step goes
//
//   auto report = session.Report({.step = s, .losses = ...}, now);    // send it, if there is one
//   ... until !session.Waiting(now): feed what comes in (Welcomed, TakeDecision, TakeRefusal) ...
//   if (session.GiveUp(now)) cancel the stream;
//   std::optional<HeldDecision> command = session.TakeCommand(s + 1);
//   ... agree, apply ...
//   session.SetOutcome(...);                                           // rides on the next report
//
// Promises: a command is handed out at most once, and never after its apply_step; a wait ends at
// its deadline, and after one time-out there is none until the next Welcome; nothing from an epoch
// lower than the highest seen is taken; every decision that the supervisor may lose in a crash is
// kept.
#ifndef LEHR_CLIENT_CORE_SESSION_H_
#define LEHR_CLIENT_CORE_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/core/command_action.h"

namespace lehr {

// Decisions beyond durable_through that are kept for a Join; the newest count.
inline constexpr size_t kMaxHeldDecisions = 4096;
// Reports whose answer may still come, without their losses; the newest count.
inline constexpr size_t kMaxAwaitedAnswers = 1024;
// Greatest lag of a decision. Unit: steps.
inline constexpr int64_t kMaxLag = 64;

// What became of a command; supervisor.proto describes the fields.
struct CommandOutcome {
  enum class Result { kApplied, kSkipped, kExpired };
  int64_t step = 0;
  Result result = Result::kSkipped;
  std::string detail;
  uint64_t perturbed = 0;
  uint64_t non_finite = 0;
  uint64_t unchanged = 0;
};

// The losses of one step of this rank.
struct RankReport {
  int64_t step = 0;
  std::vector<float> losses;
  // Empty, or one for each loss.
  std::vector<uint64_t> example_ids;
  std::optional<CommandOutcome> outcome;
  std::optional<uint64_t> parameter_digest;
  // Those that the rank holds.
  std::vector<uint64_t> snapshots;
};

// A decision as this rank keeps it.
struct HeldDecision {
  uint64_t generation = 0;
  int64_t step = 0;
  int64_t apply_step = 0;
  uint64_t epoch = 0;
  int64_t durable_through = -1;
  // Empty: there is nothing to do.
  std::vector<CommandAction> actions;
  // Why the command can never be applied here; empty if it can.
  std::string unusable;
  // The decision as it came, byte for byte: for the supervisor that lost it.
  std::string record;

  bool commands() const { return !actions.empty() || !unusable.empty(); }
};

// What a Join says that only the session knows; supervisor.proto describes the fields.
struct JoinFacts {
  uint64_t generation = 0;
  uint64_t highest_epoch = 0;
  int64_t highest_step = -1;
  int64_t resume_step = 0;
  std::vector<std::string> held;
};

struct WelcomeFacts {
  uint64_t generation = 0;
  uint64_t epoch = 0;
  int64_t lag = 0;
  int64_t next_step = 0;
  int64_t durable_through = -1;
  // 0: digests only after applied commands.
  int64_t digest_every_steps = 0;
};

struct DeclaredPause {
  std::string reason;
  absl::Time until;
};

class Session {
 public:
  enum class State { kDisconnected, kJoining, kJoined, kClosed };

  struct Options {
    int64_t resume_step = 0;
    // Until a Welcome says which lag is in force. Unit: steps.
    int64_t lag = 0;
    // Greatest wait of a step before the first Welcome, and after it.
    absl::Duration connect_timeout;
    absl::Duration decision_timeout;
  };

  explicit Session(const Options& options);

  // ---- What the stream does.

  // A new stream begins: what its Join must say. Not while closed.
  JoinFacts BeginJoin();
  // If OK, send Unanswered() again. FAILED_PRECONDITION for an epoch lower than the highest seen:
  // drop the stream, it leads to a supervisor that was replaced. CANCELLED while closed.
  absl::Status Welcomed(const WelcomeFacts& welcome, absl::Time now);
  // Reports to send again on a new stream, oldest first.
  std::vector<std::shared_ptr<const RankReport>> Unanswered();
  enum class Arrival { kTaken, kStaleEpoch, kOtherGeneration, kMalformed };
  Arrival TakeDecision(HeldDecision decision);
  // The report of `step` was not taken; it is not sent again.
  void TakeRefusal(int64_t step);
  enum class StreamEnd { kRetry, kFatal };
  void EndStream(StreamEnd end);
  void Close() { state_ = State::kClosed; }

  // ---- What the trainer does.

  // The report of the step that is done; steps grow. The result is to be sent now; null while
  // nothing can be sent. Begins the wait, if there is one.
  std::shared_ptr<const RankReport> Report(RankReport report, absl::Time now);
  // Whether the step should wait on, at most until wait_deadline().
  bool Waiting(absl::Time now) const;
  absl::Time wait_deadline() const { return wait_deadline_; }
  // Call after the wait. If it timed out, there are no more waits until the next Welcome, and true
  // means that the stream is to be dropped: it is joined and yet does not answer.
  bool GiveUp(absl::Time now);
  // The command for this apply_step, once; those for earlier ones are void from here on.
  std::optional<HeldDecision> TakeCommand(int64_t apply_step);
  // What became of the command; for the next report.
  void SetOutcome(CommandOutcome outcome) { outcome_ = std::move(outcome); }
  // Whether the run asks for a digest of the parameters as they are before `step`.
  bool WantsDigest(int64_t step) const {
    return digest_every_steps_ > 0 && step % digest_every_steps_ == 0;
  }
  // For the next report, that of the step whose forward pass follows.
  void SetParameterDigest(uint64_t digest) { parameter_digest_ = digest; }
  // The outcome that no report has told: for the Leave.
  std::optional<CommandOutcome> TakeOutcome();

  // ---- What is said besides reports: kept until it can be said.

  void Pause(DeclaredPause pause) {
    pause_ = std::move(pause);
    pause_sent_ = false;
  }
  void Checkpointed(int64_t step) { checkpoint_ = step; }
  // What to send now; nothing while not joined. A pause goes out once a stream while it lasts, a
  // checkpoint once, when its step has a decision.
  std::optional<DeclaredPause> PauseToSend(absl::Time now);
  std::optional<int64_t> CheckpointToSend();

  State state() const { return state_; }
  bool joined() const { return state_ == State::kJoined; }
  // 0: not yet in one.
  uint64_t generation() const { return generation_; }

 private:
  void EnterGeneration(uint64_t generation);
  void ForgetDurable(int64_t durable_through);
  // The report of `step` has its answer. False: none was awaited.
  bool Answered(int64_t step);
  void DropOldReports();
  bool NeedsAnswer() const;
  void SetExpired(int64_t step);

  const Options options_;
  State state_ = State::kDisconnected;
  uint64_t generation_ = 0;
  uint64_t highest_epoch_ = 0;
  int64_t lag_;
  int64_t digest_every_steps_ = 0;
  // What the first Join of the generation said.
  int64_t resume_step_;
  // The newest step whose report was handed out for sending in this generation; -1: none.
  int64_t highest_sent_ = -1;
  // The newest step of the generation known to have a decision.
  int64_t decided_through_ = -1;
  // Commands up to this apply_step were handed out, or are void.
  int64_t settled_through_;

  // The newest lag + 1 reports without an answer: a decision about them can still be in time.
  std::deque<std::shared_ptr<const RankReport>> unanswered_;
  // Their steps, and those of older ones whose answer may still come.
  std::deque<int64_t> awaited_;
  std::map<int64_t, HeldDecision> commands_by_apply_step_;
  // Step to record, of decisions beyond durable_through.
  std::map<int64_t, std::string> held_;

  bool ever_joined_ = false;
  bool patient_ = true;
  // Of the step at hand; InfinitePast: it does not wait.
  absl::Time wait_deadline_ = absl::InfinitePast();
  // The step at hand needs an answer to the reports up to this one.
  int64_t needed_through_ = -1;

  std::optional<CommandOutcome> outcome_;
  std::optional<uint64_t> parameter_digest_;
  std::optional<DeclaredPause> pause_;
  bool pause_sent_ = false;
  std::optional<int64_t> checkpoint_;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_SESSION_H_
