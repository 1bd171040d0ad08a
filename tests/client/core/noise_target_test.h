// A test that runs once with each instruction set that the build has, and is skipped in words where
// the CPU does not have it.
#ifndef LEHR_TESTS_CLIENT_CORE_NOISE_TARGET_TEST_H_
#define LEHR_TESTS_CLIENT_CORE_NOISE_TARGET_TEST_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "client/core/noise_targets.h"

namespace lehr {

class NoiseTargetTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const std::vector<std::string> runnable = NoiseTargets();
    if (std::find(runnable.begin(), runnable.end(), GetParam()) == runnable.end()) {
      GTEST_SKIP() << "built, not run: this CPU has no " << GetParam();
    }
    ASSERT_TRUE(UseNoiseTarget(GetParam()));
    ASSERT_EQ(RunningNoiseTarget(), GetParam());
  }
  void TearDown() override { UseNoiseTarget(""); }
};

inline auto EveryNoiseTarget() { return ::testing::ValuesIn(BuiltNoiseTargets()); }

inline std::string NoiseTargetName(const ::testing::TestParamInfo<std::string>& info) {
  return info.param;
}

}  // namespace lehr

#endif  // LEHR_TESTS_CLIENT_CORE_NOISE_TARGET_TEST_H_
