#include "client/core/command_hash.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "client/core/noise.h"
#include "tests/client/core/golden_vectors.h"

namespace lehr {
namespace {

Perturbation Example() {
  return {.id = 1, .seed = 2, .stddev = 0.5f, .noise_spec = std::string(kNoiseSpec)};
}

CommandAction ActionOf(const GoldenRow& row) {
  switch (row.Word("kind")) {
    case 2:
      return TakeSnapshot{.id = row.Word("id")};
    case 3:
      return RestoreSnapshot{.id = row.Word("id")};
    case 4:
      return SetIdentity{};
    case 5:
      return ScaleLearningRate{.factor = row.Float("factor")};
    default:
      return Perturbation{
          .id = row.Word("id"),
          .seed = row.Word("seed"),
          .stddev = row.Float("stddev"),
          .scale = static_cast<NoiseScale>(row.Word("scale")),
          .shrink = row.Float("shrink"),
          .optimizer_state = static_cast<OptimizerStateAction>(row.Word("optimizer_state")),
          .tensor_selector = row.Text("selector"),
          .noise_spec = row.Text("noise_spec")};
  }
}

TEST(HashActionsTest, GivesTheHashesOfHashlib) {
  std::map<std::uint64_t, std::vector<CommandAction>> lists;
  std::map<std::uint64_t, std::uint64_t> hashes;
  for (const GoldenRow& row : ReadGolden("actions_hash.csv")) {
    lists[row.Word("list")].push_back(ActionOf(row));
    hashes[row.Word("list")] = row.Word("hash_of_list");
  }
  for (const auto& [list, actions] : lists) {
    EXPECT_EQ(HashActions(actions), hashes[list]) << "list " << list;
  }
}

// A rank that holds no command says 0, and so does one whose command is to do nothing.
TEST(HashActionsTest, NoActionsHaveTheHashZero) { EXPECT_EQ(HashActions({}), 0u); }

TEST(HashActionsTest, EveryFieldCounts) {
  std::vector<Perturbation> variants(9, Example());
  variants[1].id = 3;
  variants[2].seed = 3;
  variants[3].stddev = 0.25f;
  variants[4].scale = NoiseScale::kRelative;
  variants[5].shrink = 0.5f;
  variants[6].optimizer_state = OptimizerStateAction::kReset;
  variants[7].tensor_selector = std::string("*");
  variants[8].noise_spec = std::string("other");
  std::map<std::uint64_t, std::size_t> seen;
  for (std::size_t i = 0; i < variants.size(); ++i) {
    const auto [other, is_new] = seen.try_emplace(HashActions({variants[i]}), i);
    EXPECT_TRUE(is_new) << i << " like " << other->second;
  }
}

}  // namespace
}  // namespace lehr
