// The barrier of a node: whose reports of a step a sidecar waits for before it passes them up in
// one message.
//
//   NodeBarrier barrier(/*wait=*/straggler_timeout / 2);
//   barrier.Connect(/*rank=*/2, /*reported_through=*/-1);
//   for (const NodeStep& step : barrier.Report(member, report, now)) Send(ToPieces(step));
//
// A step is passed up when every rank that is connected and not silent has reported it, or after
// `wait`. A rank falls silent when a step is passed up without it, until it reports again. What
// comes late, or may have been passed up before, is passed up alone and at once.
//
// A pure state machine: no I/O, no clock (`now` is an argument), not thread-safe. Memory: the sums
// of at most kMaxOpenSteps steps, or kMaxOpenExamples losses with their examples (scope dataset).
#ifndef LEHR_SERVER_RELAY_NODE_BARRIER_H_
#define LEHR_SERVER_RELAY_NODE_BARRIER_H_

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "lehr/v1/supervisor.pb.h"
#include "server/node_report.h"

namespace lehr {

class NodeBarrier {
 public:
  // Steps to be passed up, in this order.
  using Steps = std::vector<NodeStep>;

  explicit NodeBarrier(absl::Duration wait) : wait_(wait) {}

  // A stream of `rank` is welcome. It may have reported all steps up to `reported_through` before.
  void Connect(uint32_t rank, int64_t reported_through);
  // The rank's stream has ended, or it has left. What it has reported is passed up first.
  Steps Disconnect(uint32_t rank, absl::Time now);
  // Steps wait for the rank until `until`.
  void Pause(uint32_t rank, absl::Time until);

  // `member` is connected. ALREADY_EXISTS if it has reported the step with other losses, and the
  // step still waits; the first count.
  absl::StatusOr<Steps> Report(v1::MemberReport member, StepReport report, absl::Time now);

  // What is due. Call at NextDeadline or later.
  Steps Tick(absl::Time now);
  // InfiniteFuture: nothing waits.
  absl::Time NextDeadline() const;
  // All that waits, at once.
  Steps Flush();

 private:
  struct Rank {
    int64_t highest_step;
    bool silent = false;
    absl::Time paused_until = absl::InfinitePast();
  };
  struct OpenStep {
    absl::Time deadline;
    // By rank.
    std::map<uint32_t, v1::MemberReport> members;
    StepReport sum;
  };

  // Changes a rank, and keeps awaited_ true.
  template <typename Change>
  void Update(Rank& rank, Change change);
  bool IsTooMuch(const StepReport& report) const;
  void Add(v1::MemberReport member, StepReport report, absl::Time now);
  Steps TakeDue(absl::Time now);
  bool IsComplete(int64_t step) const { return awaited_.empty() || *awaited_.begin() >= step; }
  absl::Time Deadline(int64_t step, const OpenStep& open) const;
  Steps TakeThrough(int64_t step);
  NodeStep TakeOldest();

  const absl::Duration wait_;
  std::map<uint32_t, Rank> ranks_;
  // The highest steps of the ranks that are waited for.
  std::multiset<int64_t> awaited_;
  std::map<int64_t, OpenStep> open_;
  // Scope dataset: the losses that they hold.
  size_t open_examples_ = 0;
  // The highest step that was passed up.
  int64_t passed_through_ = -1;
};

}  // namespace lehr

#endif  // LEHR_SERVER_RELAY_NODE_BARRIER_H_
