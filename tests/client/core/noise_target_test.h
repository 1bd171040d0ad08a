// A test that runs once with each instruction set that the CPU and the build have.
#ifndef LEHR_TESTS_CLIENT_CORE_NOISE_TARGET_TEST_H_
#define LEHR_TESTS_CLIENT_CORE_NOISE_TARGET_TEST_H_

#include <gtest/gtest.h>

#include <string>

#include "client/core/noise_targets.h"

namespace lehr {

class NoiseTargetTest : public ::testing::TestWithParam<std::string> {
 protected:
  NoiseTargetTest() { EXPECT_TRUE(UseNoiseTarget(GetParam())); }
  ~NoiseTargetTest() override { UseNoiseTarget(""); }
};

inline auto EveryNoiseTarget() { return ::testing::ValuesIn(NoiseTargets()); }

inline std::string NoiseTargetName(const ::testing::TestParamInfo<std::string>& info) {
  return info.param;
}

}  // namespace lehr

#endif  // LEHR_TESTS_CLIENT_CORE_NOISE_TARGET_TEST_H_
