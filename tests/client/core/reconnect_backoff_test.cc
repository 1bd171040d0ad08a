#include "client/core/reconnect_backoff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace lehr {
namespace {

std::vector<absl::Duration> Delays(ReconnectBackoff& backoff, int count) {
  std::vector<absl::Duration> delays;
  for (int i = 0; i < count; ++i) {
    delays.push_back(backoff.Next());
  }
  return delays;
}

// The bounds double from 50 ms: [25, 50), [50, 100), ... and stay at [15 s, 30 s).
TEST(ReconnectBackoff, DoublesWithinJitterUpToTheLongestDelay) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    ReconnectBackoff backoff(seed);
    absl::Duration ceiling = absl::Milliseconds(50);
    for (int failure = 0; failure < 14; ++failure) {
      const absl::Duration delay = backoff.Next();
      EXPECT_GE(delay, ceiling / 2) << "seed " << seed << ", failure " << failure;
      EXPECT_LT(delay, ceiling) << "seed " << seed << ", failure " << failure;
      ceiling = std::min(2 * ceiling, absl::Seconds(30));
    }
  }
}

// Ranks that lose their supervisor together must not come back together.
TEST(ReconnectBackoff, SeedsSpreadOverTheWholeRange) {
  int lower_half = 0;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    lower_half += ReconnectBackoff(seed).Next() < absl::Microseconds(37'500);
  }
  // Binomial(1000, 1/2): 6 standard deviations are 95.
  EXPECT_NEAR(lower_half, 500, 95);
}

TEST(ReconnectBackoff, EqualSeedsGiveEqualDelays) {
  ReconnectBackoff a(7);
  ReconnectBackoff b(7);
  EXPECT_EQ(Delays(a, 20), Delays(b, 20));
}

TEST(ReconnectBackoff, StartsAgainAfterAReset) {
  ReconnectBackoff backoff(1);
  Delays(backoff, 10);
  backoff.Reset();
  EXPECT_LT(backoff.Next(), absl::Milliseconds(50));
}

TEST(ReconnectBackoff, IsLongAtOnceWhenRaised) {
  ReconnectBackoff backoff(1);
  backoff.Raise();
  EXPECT_GE(backoff.Next(), absl::Seconds(15));
}

}  // namespace
}  // namespace lehr
