// The pieces of one rank's reports, put together: one StepReport for each complete step.
//
// Scope batch: losses are summed as they come, so a step of 2^24 losses holds no more memory than
// one of 64 (see LossSample). Scope dataset: they are kept with their examples, at most
// kMaxStepExamples of them. Not thread-safe: it belongs to one stream.
#ifndef LEHR_SERVER_REPORT_ASSEMBLER_H_
#define LEHR_SERVER_REPORT_ASSEMBLER_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "lehr/v1/supervisor.pb.h"
#include "server/core/generation.h"

namespace lehr {

inline constexpr int kMaxPieceLosses = 1 << 20;
inline constexpr uint64_t kMaxStepLosses = uint64_t{1} << 24;
// That a rank may hold at a time.
inline constexpr int kMaxHeldSnapshots = 8;

// The excluded ones too. Wraps around beyond 2^64, as no honest sum does.
uint64_t LossesReported(const LossStatistics& losses);

class ReportAssembler {
 public:
  // See RunSettings.
  explicit ReportAssembler(float loss_offset, LossScope scope = LossScope::kBatch)
      : loss_offset_(loss_offset), scope_(scope) {}

  // The step's report if `piece` completes it, nothing if more pieces follow. INVALID_ARGUMENT with
  // the offending value if a bound is exceeded; the step's pieces so far are then dropped.
  absl::StatusOr<std::optional<StepReport>> Add(const v1::Report& piece);

 private:
  absl::Status Check(const v1::Report& piece) const;
  uint64_t LossesSoFar() const;
  void Sum(const v1::Report& piece);
  void Keep(const v1::Report& piece);

  const float loss_offset_;
  const LossScope scope_;
  std::optional<StepReport> partial_;
  // Of the partial report.
  LossSample sample_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_REPORT_ASSEMBLER_H_
