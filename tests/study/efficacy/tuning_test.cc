#include "tests/study/efficacy/tuning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace lehr {
namespace {

using ::testing::Contains;
using ::testing::Not;

std::vector<std::string> TitlesOf(const std::vector<Arm>& arms) {
  std::vector<std::string> titles;
  for (const Arm& arm : arms) {
    titles.push_back(arm.title);
  }
  return titles;
}

TEST(Tuning, TheTableTakesEachPeerFromTheGrid) {
  for (const StudyTask& task : StudyTasks()) {
    const std::vector<std::string> grid = TitlesOf(TuningGrid(task));
    // Its batches are full, and its settings those of a task whose are not.
    if (task.name == "digits-converged-full") {
      continue;
    }
    for (const Arm& arm : TableArms(task)) {
      if (arm.name != "reheat" && arm.name != "reheat-bare") {
        EXPECT_THAT(grid, Contains(arm.title)) << task.name;
      }
    }
  }
}

TEST(Tuning, EverySettingHasATitleOfItsOwn) {
  for (const StudyTask& task : StudyTasks()) {
    const std::vector<std::string> grid = TitlesOf(TuningGrid(task));
    EXPECT_EQ(std::set<std::string>(grid.begin(), grid.end()).size(), grid.size());
  }
}

TEST(Tuning, RestartHasShortWindowsOnFullBatchesOnly) {
  for (const StudyTask& task : StudyTasks()) {
    const std::vector<std::string> grid = TitlesOf(TuningGrid(task));
    if (task.batch_size == 0) {
      EXPECT_THAT(grid, Contains("restart (window 2)"));
      EXPECT_THAT(grid, Contains("restart (window 3)"));
    } else {
      EXPECT_THAT(grid, Not(Contains("restart (window 2)")));
    }
  }
}

}  // namespace
}  // namespace lehr
