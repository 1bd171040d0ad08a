// One generation of a run: the barrier over its ranks, and the decision at each step.
//
// A pure state machine: no I/O, no clock (`now` is an argument), not thread-safe. Whoever owns it
// calls in with what ranks say, and carries out the Effects that come back, in their order:
//
//   Generation generation(spec);
//   Effects effects = generation.Connect(/*rank=*/0, hello, now);
//   ReportResult result = generation.Report(/*rank=*/0, report, now);
//   for (const ClosedStep& closed : std::get<ReportTaken>(result).effects.closed) {
//     // journal closed.decision, then send it to closed.reporters
//   }
//
// Promises: at most one decision for a step; no step closes before every rank has joined; a step
// closes when every rank that is waited for has reported, or at the straggler timeout; each
// reporter of a step gets its decision.
#ifndef LEHR_SERVER_CORE_GENERATION_H_
#define LEHR_SERVER_CORE_GENERATION_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/core/decision.h"
#include "server/core/example_table.h"
#include "server/core/guards.h"
#include "server/core/membership.h"
#include "server/core/policy.h"

namespace lehr {

// Steps beyond the oldest open one that may be open at the same time.
inline constexpr int64_t kMaxOpenSteps = 1024;
// Closed decisions kept in memory for ranks that ask again; older ones are in the journal.
inline constexpr size_t kRecentDecisions = 32;
inline constexpr int64_t kMaxStep = int64_t{1} << 62;

// Scope dataset: losses with their examples that wait in memory, 16 bytes each: of one step, over
// all ranks; and of all open steps, above which only the oldest of them takes more, up to twice as
// many.
inline constexpr size_t kMaxStepExamples = size_t{1} << 22;
inline constexpr size_t kMaxOpenExamples = size_t{1} << 22;
// Scope dataset: nothing acts below this coverage.
inline constexpr double kWarmCoverage = 0.95;

enum class LossScope { kBatch, kDataset };

// How a generation is measured and decided; decision.proto documents each field of RunSettings.
struct RunSettings {
  Policy policy;
  Guards guards;
  uint64_t run_seed = 0;
  uint32_t lag = 0;
  float loss_offset = 0;
  LossScope scope = LossScope::kBatch;
  // Both > 0 for scope dataset.
  uint64_t dataset_examples = 0;
  uint32_t table_examples = 0;
  absl::Duration straggler_timeout = absl::Seconds(10);
  absl::Duration join_timeout = absl::Seconds(60);
  // 0: more than half of the ranks.
  uint32_t quorum = 0;
  // For the ranks; see decision.proto.
  uint32_t digest_every_steps = 0;
};

struct GenerationSpec {
  uint64_t number = 1;
  uint32_t branch = 0;
  uint32_t world_size = 1;
  int64_t resume_step = 0;
  RunSettings settings;
  // The opener declared a tensor that can be made the identity.
  bool has_square_tensor = false;
};

// The losses of one rank at one step, all pieces together, loss_offset added.
struct StepReport {
  int64_t step = 0;
  TiedLosses tied;
  // Scope batch.
  LossStatistics losses;
  TopLosses top;
  // Scope dataset: all losses, the unusable ones too.
  std::vector<ExampleLoss> examples;
  // Equal for reports of equal losses; never 0.
  uint64_t digest = 1;
  // Of the rank's parameters before the step, where it was computed.
  std::optional<uint64_t> parameter_digest;
  // Those that the rank holds.
  std::vector<uint64_t> snapshots;
};

// One of the ranks that a report of several counts for: what is its own. See StepReport.
struct ReportingRank {
  uint32_t rank = 0;
  // Of its own losses.
  uint64_t digest = 1;
  std::optional<uint64_t> parameter_digest;
  std::vector<uint64_t> snapshots;
};

// Takes out of a rank's report what is its own, beside the losses.
ReportingRank TakeOwn(uint32_t rank, StepReport& report);

// What guards and policy remember after a decision. Journaled with it.
struct RunMemory {
  GuardState guards;
  PolicyState policy;

  bool operator==(const RunMemory&) const = default;
};

// What a journal keeps of a generation, to continue it.
struct GenerationState {
  // The newest step that has a decision. resume_step - 1: none.
  int64_t decided_through = -1;
  RunMemory memory;
};

// A decision that has just been made.
struct ClosedStep {
  std::shared_ptr<const StepDecision> decision;
  RunMemory memory_after;
  // The ranks that wait for it.
  std::vector<uint32_t> reporters;
  absl::Time first_report;
  absl::Time last_report;
};

struct Effects {
  // In the order in which they must be journaled and sent.
  std::vector<ClosedStep> closed;
};

// What a report leads to.
struct ReportTaken {
  Effects effects;
};
// The step has a decision already; this rank gets it (again).
struct ReportAnswered {
  // Null: it is not in memory. Look it up in the journal, else RecordNone.
  std::shared_ptr<const StepDecision> decision;
  // The rank reported this step before with other losses.
  bool conflict = false;
  // The step closed without this rank: its losses are left out.
  bool late = false;
};
enum class RefusalCode { kInvalid, kOutsideWindow, kConflict };
struct ReportRefused {
  RefusalCode code;
  std::string message;
};
using ReportResult = std::variant<ReportTaken, ReportAnswered, ReportRefused>;

class Generation {
 public:
  // A new generation: steps open once all its ranks have joined.
  explicit Generation(const GenerationSpec& spec);
  // A rewind to a checkpoint: as above, with the memory as it was there.
  Generation(const GenerationSpec& spec, RunMemory memory);
  // A restart of the supervisor: steps open when all ranks are back, or at the join timeout after
  // `now`. After an unclean stop, steps that may have been decided without a trace are "none" for
  // good: those up to the newest that any rank holds or has reported, plus lag.
  Generation(const GenerationSpec& spec, GenerationState state, bool clean_stop, absl::Time now);

  // A stream of `rank` begins. ALREADY_EXISTS if another process holds the rank; the same process
  // takes over. INVALID_ARGUMENT for a rank beyond the world size.
  struct Hello {
    std::string process;
    bool can_agree = false;
    uint32_t snapshot_capacity = 0;
    // On a rejoin: the newest step that the rank has reported; -1: none.
    int64_t highest_step = -1;
    // It knows the noise contract of the commands.
    bool knows_noise = true;
    bool scales_learning_rate = false;
  };
  absl::Status CanConnect(uint32_t rank, const Hello& hello) const;
  Effects Connect(uint32_t rank, const Hello& hello, absl::Time now);

  // A decision that a rejoining rank holds and that the journal may have lost. Set: it is new here
  // and must be journaled, and sent to the ranks that have reported its step meanwhile. Call before
  // Connect.
  std::optional<std::vector<uint32_t>> Restore(const StepDecision& held);

  // The stream ended. A disconnect is not a leave: the rank is waited for until the timeout.
  void Disconnect(uint32_t rank);
  // The rank ended on purpose.
  Effects Leave(uint32_t rank, absl::Time now);
  // The rank will be silent until `until`; steps wait for it until then.
  void Pause(uint32_t rank, absl::Time until);

  ReportResult Report(uint32_t rank, StepReport report, absl::Time now);
  // As Report, for ranks whose losses come in one sum. It counts for all of them or for none: a sum
  // of an open step that mixes ranks that have reported it with ranks that have not is refused.
  // `ranks`: at least one, ascending, all below the world size.
  // Of `sum`, only the step and the losses count.
  ReportResult ReportTogether(absl::Span<const ReportingRank> ranks, StepReport sum,
                              absl::Time now);

  // The ranks did not apply what `step` commanded.
  void CommandSkipped(int64_t step);

  // The run is over: drops the open steps, and returns the reports that wait for their decisions.
  struct OpenReports {
    int64_t step = 0;
    std::vector<uint32_t> reporters;
  };
  std::vector<OpenReports> Abandon();

  // For a step at or before decided_through that the journal does not know: "none" from now on.
  ClosedStep RecordNone(std::vector<uint32_t> ranks, int64_t step, absl::Time now);

  // Closes what is due. Call at NextDeadline or later.
  Effects Tick(absl::Time now);
  // InfiniteFuture: nothing is waited for.
  absl::Time NextDeadline() const;

  // From the next unopened step on. Returns that step.
  int64_t SetPolicy(const Policy& policy);
  int64_t SetGuards(const Guards& guards);
  // While stopped, nothing acts.
  void StopActing(bool stop) { acting_stopped_ = stop; }

  const GenerationSpec& spec() const { return spec_; }
  const Membership& members() const { return members_; }
  const RunMemory& memory() const { return memory_; }
  // The newest step with a decision; resume_step - 1: none.
  int64_t decided_through() const { return decided_through_; }
  // Ranks may still bring decisions back that an unclean stop lost.
  bool may_have_forgotten() const { return unclean_ && gate_closed_; }

 private:
  struct OpenStep {
    RunSettings settings;
    TiedLosses tied;
    LossStatistics losses;
    TopLosses top;
    std::vector<ExampleLoss> examples;
    std::vector<uint32_t> reporters;
    absl::Time first_report;
    absl::Time last_report;
    absl::Time deadline = absl::InfiniteFuture();
  };

  ReportAnswered AnswerLate(absl::Span<const ReportingRank> ranks, int64_t step, bool conflicts);
  bool Conflicts(const ReportingRank& reporting, int64_t step) const;
  size_t CountedAlready(absl::Span<const ReportingRank> ranks, int64_t step) const;
  void OpenGate(absl::Time now);
  std::optional<ReportRefused> TooManyExamples(const StepReport& report) const;
  OpenStep& OpenStepAt(int64_t step, absl::Time now);
  Effects CloseDue(absl::Time now);
  bool IsDue(int64_t step, absl::Time now);
  ClosedStep Close(int64_t step, OpenStep& open, absl::Time now);
  Observation Observe(const OpenStep& open);
  std::optional<Reason> Veto(const RunSettings& settings, const Proposal& proposal) const;
  PolicyContext ContextOf(int64_t step, const OpenStep& open, const Observation& observation) const;
  Proposal ProposeFor(int64_t step, const OpenStep& open, const Observation& observation);
  StepDecision Blank(int64_t step, absl::Time now) const;
  void NumberActions(int64_t step, std::vector<Action>& actions) const;
  int64_t NextUnopenedStep() const;
  bool MayComeBack(int64_t step) const;
  void Remember(std::shared_ptr<const StepDecision> decision);
  std::shared_ptr<const StepDecision> Recent(int64_t step) const;
  uint32_t Quorum(const RunSettings& settings) const;

  GenerationSpec spec_;
  Membership members_;
  RunMemory memory_;
  // Scope dataset. It starts empty, after a restart too: the journal has no losses of examples.
  std::optional<ExampleTable> table_;
  std::map<int64_t, OpenStep> open_;
  std::deque<std::shared_ptr<const StepDecision>> recent_;
  int64_t decided_through_;
  bool acting_stopped_ = false;
  // Steps are collected but not closed until the ranks are there.
  bool gate_closed_ = true;
  absl::Time gate_deadline_ = absl::InfiniteFuture();
  // Steps up to here may have been decided before an unclean stop.
  bool unclean_ = false;
  int64_t unknown_through_;
  // Up to here the journal knew the decisions; of later ones, those that ranks have brought back
  // while the gate is closed.
  const int64_t recovered_through_;
  std::set<int64_t> restored_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_GENERATION_H_
