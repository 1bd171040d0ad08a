// The latest loss of every example of a data set, with exact statistics over all of them.
//
// A step takes the old losses of its examples out of the sums and puts the new ones in: constant
// expected time a loss, however many examples are known, and no drift. Of more than `capacity`
// examples it keeps those with the smallest SplitMix(id): a sample that depends on neither order
// nor sharding, which costs a logarithm of the capacity for each example that comes in. Doubling
// its memory, and ordering the hashes when it overflows for the first time, are paid for by the
// examples that filled it.
//
// The same losses at the same steps give the same table in any order and any sharding of each step:
// an example that occurs more than once in a step (samplers pad) has its greatest loss. Losses that
// LossStatistics excludes are counted and leave their example as it was.
//
// An example is *dead* when its loss was high and did not move over its last kDeadVisits visits (a
// visit: a step with a loss of it):
// - high: above kDeadFactor times the mean of the table before the step. With the other losses near
//   0, up to 2/3 of the examples can be dead. Where all losses are alike, none is high.
// - did not move: within kDeadMovement of its loss at the first of these visits, so that one that
//   drifts slowly is not dead either.
// This is judged at an example's own visits only, so a step need not look at the others.
//
// Memory: 20 bytes an example, 5 to 11 in slots, 3 in trees, 8 once it overflowed; while it grows,
// up to twice that. Not thread-safe.
//
//   ExampleTable table(/*capacity=*/1 << 20);
//   table.Update({{.example_id = 17, .loss = 0.5f}, {.example_id = 4, .loss = 2}});
//   ComputeTemperature(table.statistics());
#ifndef LEHR_SERVER_CORE_EXAMPLE_TABLE_H_
#define LEHR_SERVER_CORE_EXAMPLE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "server/core/example_ids.h"
#include "server/core/loss_statistics.h"
#include "server/core/top_losses.h"
#include "server/core/tournament.h"

namespace lehr {

class ExampleTable {
 public:
  static constexpr uint32_t kMostExamples = ExampleIds::kMostIds;
  static constexpr uint8_t kDeadVisits = 8;
  static constexpr double kDeadFactor = 1.5;
  static constexpr double kDeadMovement = 0.01;

  // Keeps at most `capacity` examples, in [1, kMostExamples].
  explicit ExampleTable(uint32_t capacity) : capacity_(capacity) {}

  // All losses of one step. Returns how many of them were left out.
  ExcludedLosses Update(absl::Span<const ExampleLoss> step);

  // Over the examples that are known. Their count is the number of them.
  const LossStatistics& statistics() const { return statistics_; }
  // Examples of which the table keeps the loss, at most.
  uint32_t capacity() const { return capacity_; }
  // The 16 highest losses, highest first, then lowest id.
  std::vector<ExampleLoss> Highest() const;
  // Dead examples: how many, and the 16 with the highest losses.
  uint64_t dead() const { return dead_; }
  std::vector<ExampleLoss> HighestDead() const;

 private:
  struct Example {
    float loss = 0;
    // The loss at the first of the visits that are counted.
    float anchor = 0;
    // Visits in a row at which the loss was high and had not moved; no more than kDeadVisits.
    uint8_t visits = 0;
    // It has a loss in the step at hand.
    bool touched = false;
  };
  // Losses that go out of the sums and into them.
  struct Change {
    std::vector<float> out;
    std::vector<float> in;
  };

  static bool IsDead(const Example& example) { return example.visits == kDeadVisits; }
  static void Judge(Example& example, double high);

  void Prefetch(absl::Span<const ExampleLoss> step, size_t next) const;
  void Touch(uint32_t position, float loss, std::vector<uint32_t>& touched, Change& change);
  void Admit(std::vector<ExampleLoss> newcomers, double high, Change& change);
  void Add(const ExampleLoss& newcomer, double high);
  void ReplaceLast(const ExampleLoss& newcomer, double high, Change& change);
  void Publish(uint32_t position, uint64_t id_before, bool was_dead);
  // For the tournaments.
  ExampleLoss At(uint32_t position) const;
  ExampleLoss DeadAt(uint32_t position) const;

  uint32_t capacity_;
  ExampleIds ids_;
  // By position, as are ids_.
  std::vector<Example> examples_;
  LossStatistics statistics_;
  Tournament by_loss_;
  Tournament dead_by_loss_;
  uint64_t dead_ = 0;
  // Empty until there are more than capacity_ examples; then the hashes of those kept, a heap whose
  // first is the greatest.
  std::vector<uint64_t> hashes_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_EXAMPLE_TABLE_H_
