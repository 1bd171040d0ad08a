#include "server/core/tournament.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace lehr {
namespace {

std::vector<ExampleLoss> HighestNaively(std::vector<ExampleLoss> all) {
  std::erase_if(all, [](const ExampleLoss& example) { return example.loss < 0; });
  std::sort(all.begin(), all.end(), ComesBefore);
  all.resize(std::min<size_t>(all.size(), 16));
  return all;
}

TEST(Tournament, OfNobodyHasNoHighest) {
  const Tournament tournament;
  EXPECT_TRUE(tournament.Highest([](uint32_t) { return ExampleLoss(); }).empty());
}

// Few different losses, so that ties are common; sizes at which levels begin.
TEST(Tournament, FindsTheHighestAfterEachOfManyChanges) {
  std::mt19937_64 random(2);
  for (const uint32_t size : {1u, 16u, 17u, 256u, 257u, 5000u}) {
    std::vector<ExampleLoss> examples;
    Tournament tournament;
    const auto at = [&examples](uint32_t position) { return examples[position]; };
    const auto loss = [&random] { return static_cast<float>(random() % 40) - 1; };
    uint64_t next_id = 0;
    const auto add = [&] {
      examples.push_back({next_id++ * 0x9E3779B97F4A7C15u, loss()});
      tournament.Update(static_cast<uint32_t>(examples.size() - 1), examples.back().example_id, at);
    };
    const auto change = [&] {
      const uint32_t position = static_cast<uint32_t>(random() % examples.size());
      const uint64_t id_before = examples[position].example_id;
      const uint64_t id = random() % 4 == 0 ? next_id++ * 0x9E3779B97F4A7C15u : id_before;
      examples[position] = {id, loss()};
      tournament.Update(position, id_before, at);
    };
    const auto expect_highest = [&] {
      ASSERT_EQ(tournament.Highest(at), HighestNaively(examples)) << "of " << size;
    };
    while (examples.size() < size) {
      add();
    }
    expect_highest();
    for (int i = 0; i < 300; ++i) {
      change();
      expect_highest();
    }
  }
}

// The best one falls again and again, as in training.
TEST(Tournament, FollowsTheBestOneDown) {
  std::vector<ExampleLoss> examples;
  Tournament tournament;
  const auto at = [&examples](uint32_t position) { return examples[position]; };
  for (uint32_t position = 0; position < 1000; ++position) {
    examples.push_back({position, 1000.0f + static_cast<float>(position * 7919 % 1000)});
    tournament.Update(position, position, at);
  }
  for (int i = 0; i < 2000; ++i) {
    const uint64_t best = tournament.Highest(at).at(0).example_id;
    examples[best].loss *= 0.5f;
    tournament.Update(static_cast<uint32_t>(best), best, at);
    ASSERT_EQ(tournament.Highest(at), HighestNaively(examples));
  }
}

// The first that takes part may come at any position.
TEST(Tournament, PositionsThatWereNeverUpdatedTakeNoPart) {
  std::vector<ExampleLoss> examples(700, ExampleLoss{.example_id = 0, .loss = -1});
  Tournament tournament;
  const auto at = [&examples](uint32_t position) { return examples[position]; };
  for (const uint32_t position : {600u, 3u, 40u}) {
    examples[position] = {position, 1};
    tournament.Update(position, position, at);
  }
  EXPECT_EQ(tournament.Highest(at), HighestNaively(examples));
}

}  // namespace
}  // namespace lehr
