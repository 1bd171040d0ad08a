#include "server/core/example_ids.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "server/core/split_mix.h"

namespace lehr {
namespace {

// The generator of Steele, Lea and Flood, seeded with 0 and 1: its first outputs.
TEST(SplitMix, GivesThePublishedNumbers) {
  EXPECT_EQ(SplitMix(0), 0xE220A8397B1DCDAFu);
  EXPECT_EQ(SplitMix(1), 0x910A2DEC89025CC1u);
}

TEST(ExampleIds, FindsWhatWasAdded) {
  ExampleIds ids;
  EXPECT_EQ(ids.Find(SplitMix(0)), ExampleIds::kNone);
  ids.Add(0);
  ids.Add(UINT64_MAX);
  EXPECT_EQ(ids.size(), 2u);
  EXPECT_EQ(ids.Find(SplitMix(0)), 0u);
  EXPECT_EQ(ids.Find(SplitMix(UINT64_MAX)), 1u);
  EXPECT_EQ(ids[1], UINT64_MAX);
  EXPECT_EQ(ids.Find(SplitMix(1)), ExampleIds::kNone);
}

// Against a map, over so many replacements that every run of slots has had gaps.
TEST(ExampleIds, FindsEachIdAtItsPositionAfterAnyReplacements) {
  std::mt19937_64 random(1);
  for (const uint32_t size : {1u, 12u, 13u, 96u, 97u, 3000u}) {
    ExampleIds ids;
    std::map<uint64_t, uint32_t> position_of;
    std::vector<uint64_t> gone;
    for (uint32_t position = 0; position < size; ++position) {
      ids.Add(position);
      position_of[position] = position;
    }
    for (uint64_t next = size; next < 8 * size; ++next) {
      const uint32_t position = static_cast<uint32_t>(random() % size);
      position_of.erase(ids[position]);
      gone.push_back(ids[position]);
      ids.Replace(position, next);
      position_of[next] = position;
    }
    for (const auto& [id, position] : position_of) {
      ASSERT_EQ(ids.Find(SplitMix(id)), position) << "id " << id << " of " << size;
    }
    for (const uint64_t id : gone) {
      ASSERT_EQ(ids.Find(SplitMix(id)), ExampleIds::kNone) << "id " << id << " of " << size;
    }
  }
}

}  // namespace
}  // namespace lehr
