#include "client/core/target_update.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <vector>

#include "client/core/noise_reference.h"
#include "tests/client/core/flush_to_zero.h"
#include "tests/client/core/noise_target_test.h"

namespace lehr {
namespace {

using UpdateTargetsTest = NoiseTargetTest;

INSTANTIATE_TEST_SUITE_P(EveryTarget, UpdateTargetsTest, EveryNoiseTarget(), NoiseTargetName);

// A caller that flushes subnormals hands its setting down to the threads it starts.
TEST_P(UpdateTargetsTest, IgnoresTheCallersFlushToZeroInEveryThread) {
  constexpr std::uint64_t kSize = 5000;
  const NoiseUpdate update = {.seed = 1, .tensor_id = 2, .shrink = 0.5f, .sigma = 0x1p-130f};
  std::vector<float> expected(kSize, std::bit_cast<float>(std::uint32_t{0x00300000}));
  std::vector<float> found = expected;
  const UpdateCounts expected_counts =
      reference::UpdateRange(update, /*first_index=*/0, absl::MakeSpan(expected));
  const Tensor tensor = {.name = "weight", .values = absl::MakeSpan(found)};
  const UpdateTarget target = {.update = update, .tensor = &tensor};

  UpdateCounts counts;
  bool left_as_it_was = false;
  {
    const FlushToZero flushing;
    counts = UpdateTargets({target}, /*threads=*/2);
    left_as_it_was = flushing.IsOn();
  }

  EXPECT_TRUE(left_as_it_was);
  EXPECT_EQ(counts.perturbed, expected_counts.perturbed);
  for (std::uint64_t i = 0; i < kSize; ++i) {
    ASSERT_EQ(std::bit_cast<std::uint32_t>(found[i]), std::bit_cast<std::uint32_t>(expected[i]))
        << i;
  }
}

}  // namespace
}  // namespace lehr
