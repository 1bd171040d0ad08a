#include "client/core/target_update.h"

#include <algorithm>
#include <cstdint>
#include <variant>
#include <vector>

#include "client/core/float_environment.h"
#include "client/core/parallel_parts.h"

namespace lehr {
namespace {

// The values begin to end - 1 of the target.
UpdateCounts UpdatePart(const UpdateTarget& target, std::uint64_t begin, std::uint64_t end) {
  UpdateCounts counts;
  const auto update_runs = [&](const auto& values) {
    RunsOf(*target.tensor)
        .ForEach(begin, end, [&](std::uint64_t index, std::uint64_t offset, std::uint64_t length) {
          counts += UpdateRange(target.update, index, values.subspan(offset, length));
        });
  };
  std::visit(update_runs, target.tensor->values);
  return counts;
}

// The values begin to end - 1 of all targets, one after another.
UpdateCounts UpdatePart(absl::Span<const UpdateTarget> targets, std::uint64_t begin,
                        std::uint64_t end) {
  UpdateCounts counts;
  std::uint64_t first = 0;
  for (const UpdateTarget& target : targets) {
    const std::uint64_t beyond = first + SizeOf(target.tensor->values);
    if (begin < beyond && first < end) {
      counts += UpdatePart(target, std::max(begin, first) - first, std::min(end, beyond) - first);
    }
    first = beyond;
  }
  return counts;
}

unsigned ThreadsThatPay(std::uint64_t size) {
  // Less is done sooner than a thread begins.
  constexpr std::uint64_t kLeastPart = 1 << 18;
  // To count the CPUs takes longer than to update a small model.
  return size < 2 * kLeastPart
             ? 1
             : static_cast<unsigned>(std::min<std::uint64_t>(size / kLeastPart, UsableCpus()));
}

}  // namespace

UpdateCounts UpdateTargets(absl::Span<const UpdateTarget> targets, unsigned threads) {
  std::uint64_t size = 0;
  for (const UpdateTarget& target : targets) {
    size += SizeOf(target.tensor->values);
  }
  const unsigned parts = threads == 0 ? ThreadsThatPay(size) : threads;
  // Neighbouring parts share no cache line, and only the ends of tensors leave vectors half empty.
  constexpr std::uint64_t kGranule = 1 << 10;
  std::vector<UpdateCounts> counts(parts);
  DoInParallel(size, kGranule, parts, [&](unsigned part, std::uint64_t begin, std::uint64_t end) {
    const ScopedFloatEnvironment environment;
    counts[part] = UpdatePart(targets, begin, end);
  });
  UpdateCounts sum;
  for (const UpdateCounts& part : counts) {
    sum += part;
  }
  return sum;
}

}  // namespace lehr
