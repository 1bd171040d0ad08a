#include "server/core/example_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <vector>

#include "server/core/split_mix.h"
#include "server/core/temperature.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

using Step = std::vector<ExampleLoss>;

// The table as one would write it first: everything is computed anew from all that is known.
class NaiveTable {
 public:
  explicit NaiveTable(size_t capacity) : capacity_(capacity) {}

  void Update(const Step& step) {
    double sum = 0;
    for (const auto& [hash, example] : examples_) {
      sum += example.loss;
    }
    const double mean = sum / static_cast<double>(examples_.size());
    std::map<uint64_t, ExampleLoss> greatest;
    for (const ExampleLoss& example : step) {
      if (!(example.loss >= 0) || std::isinf(example.loss)) {
        continue;
      }
      ExampleLoss& known = greatest.try_emplace(example.example_id, example).first->second;
      known.loss = std::max(known.loss, example.loss);
    }
    for (const auto& [id, example] : greatest) {
      Known& known = examples_[SplitMix(id)];
      const bool is_high = !std::isnan(mean) && example.loss > 1.5 * mean;
      known.id = id;
      known.loss = example.loss;
      known.visits.push_back({example.loss, is_high});
    }
    while (examples_.size() > capacity_) {
      examples_.erase(std::prev(examples_.end()));
    }
  }

  LossStatistics Statistics() const {
    LossStatistics statistics;
    for (const auto& [hash, example] : examples_) {
      statistics.Add({example.loss});
    }
    return statistics;
  }

  Step Highest() const {
    return HighestOf([](const Known&) { return true; });
  }
  Step HighestDead() const { return HighestOf(IsDead); }
  size_t Dead() const {
    return std::count_if(examples_.begin(), examples_.end(),
                         [](const auto& entry) { return IsDead(entry.second); });
  }

 private:
  struct Seen {
    float loss;
    bool is_high;
  };
  struct Known {
    uint64_t id;
    float loss;
    std::vector<Seen> visits;
  };

  // Plays all visits again.
  static bool IsDead(const Known& example) {
    std::vector<float> unmoved;
    for (const Seen& visit : example.visits) {
      if (!visit.is_high) {
        unmoved.clear();
        continue;
      }
      if (!unmoved.empty() && std::abs(double{visit.loss} - unmoved[0]) > 0.01 * unmoved[0]) {
        unmoved.clear();
      }
      unmoved.push_back(visit.loss);
    }
    return unmoved.size() >= 8;
  }

  template <typename Predicate>
  Step HighestOf(Predicate predicate) const {
    Step highest;
    for (const auto& [hash, example] : examples_) {
      if (predicate(example)) {
        highest.push_back({example.id, example.loss});
      }
    }
    std::sort(highest.begin(), highest.end(), ComesBefore);
    highest.resize(std::min<size_t>(highest.size(), 16));
    return highest;
  }

  size_t capacity_;
  // By hash.
  std::map<uint64_t, Known> examples_;
};

// Losses like those of a run: some examples stuck, some drifting, some healthy, a few unusable.
Step RandomStep(std::mt19937_64& random, uint64_t ids, size_t size) {
  Step step;
  for (size_t i = 0; i < size; ++i) {
    const uint64_t id = random() % ids * 0x10001;
    const float noise = static_cast<float>(random() % 1000) / 1000;
    switch (id % 5) {
      case 0:
        step.push_back({id, 4 + noise * 0.03f});
        break;
      case 1:
        step.push_back({id, random() % 20 == 0 ? 9 : 4.0f});
        break;
      case 2:
        step.push_back({id, std::ldexp(noise, -static_cast<int>(random() % 140))});
        break;
      default:
        step.push_back({id, noise});
    }
    if (random() % 50 == 0) {
      const float unusable[] = {kNan, kInfinity, -1, -0.0f};
      step.back().loss = unusable[random() % 4];
    }
  }
  return step;
}

void ExpectSame(const ExampleTable& table, const NaiveTable& naive) {
  ASSERT_EQ(table.statistics().Serialize(), naive.Statistics().Serialize());
  ASSERT_EQ(table.Highest(), naive.Highest());
  ASSERT_EQ(table.dead(), naive.Dead());
  ASSERT_EQ(table.HighestDead(), naive.HighestDead());
}

TEST(ExampleTable, IsWhatANaiveTableIsAfterEachStep) {
  std::mt19937_64 random(3);
  uint64_t most_dead = 0;
  for (const uint64_t ids : {3u, 40u, 700u}) {
    ExampleTable table(1000);
    NaiveTable naive(1000);
    for (int i = 0; i < 150; ++i) {
      const Step step = RandomStep(random, ids, random() % 100);
      table.Update(step);
      naive.Update(step);
      ExpectSame(table, naive);
      most_dead = std::max(most_dead, table.dead());
    }
  }
  EXPECT_GT(most_dead, 16u);
}

TEST(ExampleTable, BeyondItsCapacityIsWhatANaiveTableIs) {
  std::mt19937_64 random(4);
  for (const uint32_t capacity : {1u, 2u, 60u}) {
    ExampleTable table(capacity);
    NaiveTable naive(capacity);
    for (int i = 0; i < 150; ++i) {
      const Step step = RandomStep(random, 300, random() % 100);
      table.Update(step);
      naive.Update(step);
      ExpectSame(table, naive);
    }
    EXPECT_EQ(table.statistics().count(), capacity);
  }
}

// Ranks report in any order, and hold any part of the step; a sampler may give an example to two.
TEST(ExampleTable, OrderAndShardingWithinAStepChangeNothing) {
  std::mt19937_64 random(5);
  ExampleTable one(50);
  ExampleTable other(50);
  for (int i = 0; i < 100; ++i) {
    Step step = RandomStep(random, 120, 80);
    one.Update(step);
    std::shuffle(step.begin(), step.end(), random);
    other.Update(step);
    ASSERT_EQ(one.statistics().Serialize(), other.statistics().Serialize());
    ASSERT_EQ(one.Highest(), other.Highest());
    ASSERT_EQ(one.dead(), other.dead());
    ASSERT_EQ(one.HighestDead(), other.HighestDead());
  }
}

// Which examples are kept depends on the ids alone, not on when they came.
TEST(ExampleTable, TheSampleDoesNotDependOnTheOrderOfSteps) {
  ExampleTable forwards(12);
  ExampleTable backwards(12);
  for (uint64_t id = 0; id < 200; ++id) {
    forwards.Update({{id, static_cast<float>(id)}});
    backwards.Update({{199 - id, static_cast<float>(199 - id)}});
  }
  EXPECT_EQ(forwards.statistics().Serialize(), backwards.statistics().Serialize());
  std::vector<uint64_t> ids;
  for (uint64_t id = 0; id < 200; ++id) {
    ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end(),
            [](uint64_t a, uint64_t b) { return SplitMix(a) < SplitMix(b); });
  ids.resize(12);
  std::vector<uint64_t> kept;
  for (const ExampleLoss& example : forwards.Highest()) {
    kept.push_back(example.example_id);
  }
  EXPECT_THAT(kept, testing::UnorderedElementsAreArray(ids));
}

TEST(ExampleTable, TheGreatestLossOfAStepWinsAndTheLaterStep) {
  ExampleTable table(10);
  table.Update({{7, 2}, {7, 5}, {7, 3}});
  EXPECT_THAT(table.Highest(), ElementsAre(ExampleLoss{7, 5}));
  table.Update({{7, 1}, {7, 2}});
  EXPECT_THAT(table.Highest(), ElementsAre(ExampleLoss{7, 2}));
  EXPECT_EQ(table.statistics().count(), 1u);
}

TEST(ExampleTable, UnusableLossesAreCountedAndLeaveTheirExampleAsItWas) {
  ExampleTable table(10);
  table.Update({{1, 2}});
  const ExcludedLosses excluded = table.Update(
      {{1, kNan}, {1, kInfinity}, {1, -kInfinity}, {1, -3}, {2, kNan}, {2, -1}, {2, -1}});
  EXPECT_EQ(excluded, (ExcludedLosses{.nan = 2, .infinite = 2, .negative = 3}));
  EXPECT_THAT(table.Highest(), ElementsAre(ExampleLoss{1, 2}));
  EXPECT_EQ(table.statistics().excluded(), ExcludedLosses());
}

TEST(ExampleTable, MinusZeroIsZero) {
  ExampleTable table(10);
  table.Update({{1, -0.0f}});
  LossStatistics zero;
  zero.Add({0.0f});
  EXPECT_EQ(table.statistics(), zero);
  EXPECT_FALSE(std::signbit(table.Highest().at(0).loss));
}

// --- Dead examples. ---

// XOR as a ReLU net is stuck on it: three of four examples are right, and one has loss 1.
Step StuckXor() { return {{0, 0.001f}, {1, 0.001f}, {2, 1}, {3, 0.001f}}; }

// The first step has nothing to compare with, so eight visits are over after nine.
TEST(ExampleTable, AHighLossThatStaysIsDeadAfterEightVisits) {
  ExampleTable table(4);
  for (int i = 0; i < 8; ++i) {
    table.Update(StuckXor());
    ASSERT_EQ(table.dead(), 0u) << "after step " << i;
  }
  table.Update(StuckXor());
  EXPECT_EQ(table.dead(), 1u);
  EXPECT_THAT(table.HighestDead(), ElementsAre(ExampleLoss{2, 1}));
}

TEST(ExampleTable, ADeadExampleThatMovesIsNotDead) {
  ExampleTable table(4);
  for (int i = 0; i < 9; ++i) {
    table.Update(StuckXor());
  }
  Step moved = StuckXor();
  moved[2].loss = 1.0101f;
  table.Update(moved);
  EXPECT_EQ(table.dead(), 0u);
  EXPECT_THAT(table.HighestDead(), IsEmpty());
  // Eight visits at the new place.
  for (int i = 0; i < 6; ++i) {
    table.Update(moved);
    ASSERT_EQ(table.dead(), 0u);
  }
  table.Update(moved);
  EXPECT_EQ(table.dead(), 1u);
}

TEST(ExampleTable, OnePercentIsNoMovement) {
  ExampleTable table(4);
  for (int i = 0; i < 9; ++i) {
    Step step = StuckXor();
    step[2].loss = i % 2 == 0 ? 1 : 1.0099f;
    table.Update(step);
  }
  EXPECT_EQ(table.dead(), 1u);
}

// Each visit moves it by less than 1 %, but together they move it further.
TEST(ExampleTable, ASlowDriftIsMovement) {
  ExampleTable table(4);
  for (int i = 0; i < 40; ++i) {
    Step step = StuckXor();
    step[2].loss = std::pow(0.997f, static_cast<float>(i));
    table.Update(step);
    ASSERT_EQ(table.dead(), 0u) << "after step " << i;
  }
}

TEST(ExampleTable, WhereAllLossesAreAlikeNoneIsDead) {
  ExampleTable table(4);
  for (int i = 0; i < 20; ++i) {
    table.Update({{0, 0.6931f}, {1, 0.6931f}, {2, 0.6931f}, {3, 0.6932f}});
  }
  EXPECT_EQ(table.dead(), 0u);
}

// 1.5 times the mean: of four examples, two may be stuck and three may not.
TEST(ExampleTable, TwoThirdsAreTooManyToBeHigh) {
  const auto dead = [](int stuck) {
    ExampleTable table(4);
    for (int i = 0; i < 20; ++i) {
      Step step;
      for (uint64_t id = 0; id < 4; ++id) {
        step.push_back({id, static_cast<int>(id) < stuck ? 1.0f : 0});
      }
      table.Update(step);
    }
    return table.dead();
  };
  EXPECT_EQ(dead(1), 1u);
  EXPECT_EQ(dead(2), 2u);
  EXPECT_EQ(dead(3), 0u);
}

// Only its own visits count: others may come as often as they like.
TEST(ExampleTable, AnExampleIsJudgedAtItsVisits) {
  ExampleTable table(4);
  table.Update(StuckXor());
  for (int i = 0; i < 7; ++i) {
    table.Update({{2, 1}});
  }
  EXPECT_EQ(table.dead(), 0u);
  for (int i = 0; i < 50; ++i) {
    table.Update({{0, 0.001f}, {1, 0.001f}});
  }
  EXPECT_EQ(table.dead(), 0u);
  table.Update({{2, 1}});
  EXPECT_EQ(table.dead(), 1u);
}

TEST(ExampleTable, ADeadExampleThatLeavesTheSampleIsNotCounted) {
  ExampleTable table(2);
  std::vector<uint64_t> ids = {0, 1, 2};
  std::sort(ids.begin(), ids.end(),
            [](uint64_t a, uint64_t b) { return SplitMix(a) < SplitMix(b); });
  for (int i = 0; i < 9; ++i) {
    table.Update({{ids[0], 0}, {ids[2], 1}});
  }
  EXPECT_EQ(table.dead(), 1u);
  table.Update({{ids[1], 0.5f}});
  EXPECT_EQ(table.dead(), 0u);
  EXPECT_THAT(table.HighestDead(), IsEmpty());
  EXPECT_THAT(table.Highest(), ElementsAre(ExampleLoss{ids[1], 0.5f}, ExampleLoss{ids[0], 0}));
}

TEST(ExampleTable, TheTemperatureOfAFullBatchIsThatOfTheBatch) {
  ExampleTable table(4);
  table.Update({{0, 5}, {1, 5}, {2, 5}, {3, 5}});
  table.Update(StuckXor());
  LossStatistics batch;
  batch.Add({0.001f, 0.001f, 1, 0.001f});
  EXPECT_EQ(ComputeTemperature(table.statistics()), ComputeTemperature(batch));
}

}  // namespace
}  // namespace lehr
