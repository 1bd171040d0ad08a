// The share of a step's loss that is carried by losses which tie: those of dead data.
//
// A loss ties if two others of the same report have the same bits. Examples whose signal dies on
// the way all get one output, so that those of a label tie. Examples that a gradient reaches do
// not, but for copies of one example and losses of a coarse number format: among the few losses
// that are looked at, these make pairs, but hardly ever three alike.
//
// Sums are exact: order of reports and merge tree cannot change them. Not thread-safe.
//
//   TiedLosses tied;
//   tied.AddReport(losses_of_rank_0);
//   tied.AddReport(losses_of_rank_1);
//   tied.share();  // 0.25
#ifndef LEHR_SERVER_CORE_TIED_LOSSES_H_
#define LEHR_SERVER_CORE_TIED_LOSSES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "server/core/exact_sum.h"

namespace lehr {

// The first losses of a report that LossStatistics does not exclude, in any pieces. -0 is 0.
class LossSample {
 public:
  static constexpr size_t kMost = 64;

  // Adds RN32(loss + loss_offset) for each of the report's next losses, while there is room.
  void Add(absl::Span<const float> losses, float loss_offset = 0);

  const std::vector<float>& losses() const { return losses_; }

 private:
  std::vector<float> losses_;
};

class TiedLosses {
 public:
  // A report with fewer usable losses is left out: its ties would say little. So is one whose
  // losses all fit a 16-bit format, in which healthy ones tie too.
  static constexpr size_t kLeast = 16;

  // One report of one rank.
  void AddReport(const LossSample& report);
  void AddReport(absl::Span<const float> losses);
  void Merge(const TiedLosses& other);

  // In [0, 1], without unit; 0 where all losses are 0. None where no report counts.
  std::optional<double> share() const;
  // Losses in the sums: at most LossSample::kMost a report.
  uint64_t count() const { return count_; }

  bool operator==(const TiedLosses&) const = default;

  // Little-endian: count (8 bytes), the sum of all losses and that of those that tie (two's
  // complement, 48 each, in units of 2^-149).
  std::string Serialize() const;
  // InvalidArgument for another length, and for what no losses have.
  static absl::StatusOr<TiedLosses> Parse(std::string_view bytes);

 private:
  uint64_t count_ = 0;
  ExactSum<6> sum_;
  ExactSum<6> sum_of_tied_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_TIED_LOSSES_H_
