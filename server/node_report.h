// One step of several ranks of a node, and its wire form, one or more NodeReports: written by a
// sidecar, read by the supervisor.
//
// What is read gives, bit for bit, what the ranks' own reports give together.
#ifndef LEHR_SERVER_NODE_REPORT_H_
#define LEHR_SERVER_NODE_REPORT_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "lehr/v1/supervisor.pb.h"
#include "server/core/generation.h"

namespace lehr {

// Ranks behind one sidecar of one job.
inline constexpr int kMaxNodeRanks = 4096;

// The ranks in ascending order, and the sum of their losses. Scope dataset: all of their losses,
// with their examples.
struct NodeStep {
  std::vector<v1::MemberReport> members;
  StepReport sum;
};

// In the order in which they are to be sent; the last one names the members.
std::vector<v1::NodeReport> ToPieces(const NodeStep& step);

// What a rank's report says beside its losses, the outcome of a command excepted.
v1::MemberReport MemberReportOf(uint32_t rank, const StepReport& report);

// The pieces of a sidecar's reports, put together. Not thread-safe: it belongs to one stream.
class NodeReportAssembler {
 public:
  // The step's losses if `piece` completes it, nothing if more pieces follow. INVALID_ARGUMENT with
  // the offending value for members or losses that cannot be; the pieces so far are then dropped.
  absl::StatusOr<std::optional<StepReport>> Add(const v1::NodeReport& piece, LossScope scope);

 private:
  // Scope dataset: of a step of which more is to come.
  std::optional<StepReport> partial_;
};

std::vector<ReportingRank> ReportingRanks(const v1::NodeReport& report);

}  // namespace lehr

#endif  // LEHR_SERVER_NODE_REPORT_H_
