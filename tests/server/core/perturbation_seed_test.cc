#include "server/core/perturbation_seed.h"

#include <gtest/gtest.h>

#include <set>

namespace lehr {
namespace {

// Expected values: a Python implementation of splitmix64, itself checked against the published
// first outputs 0xE220A8397B1DCDAF (seed 0) and 6457827717110365317 (seed 1234567).
TEST(PerturbationSeed, IsTheSpecifiedMix) {
  EXPECT_EQ(PerturbationSeed(0, 0, 0), 0x238275BC38FCBE91u);
  EXPECT_EQ(PerturbationSeed(7, 0, 1), 0xF69E37EF143706E0u);
  EXPECT_EQ(PerturbationSeed(7, 1, 1), 0xCA4470043A5E3686u);
  EXPECT_EQ(PerturbationSeed(~uint64_t{0}, 3, int64_t{1} << 61), 0xAC2B40ACF25D244Du);
}

TEST(PerturbationId, IsTheSpecifiedMix) {
  EXPECT_EQ(PerturbationId(7, 1, 5, 0), 0xC2B77CA4E087FCC2u);
}

TEST(PerturbationId, DiffersByGenerationStepAndPosition) {
  std::set<uint64_t> ids;
  for (uint64_t generation = 1; generation <= 3; ++generation) {
    for (int64_t step = 0; step < 100; ++step) {
      for (uint32_t position = 0; position < 2; ++position) {
        ids.insert(PerturbationId(7, generation, step, position));
      }
    }
  }
  EXPECT_EQ(ids.size(), 600u);
}

}  // namespace
}  // namespace lehr
