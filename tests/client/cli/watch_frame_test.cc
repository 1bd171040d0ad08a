#include "client/cli/watch_frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli/table.h"
#include "tests/client/cli/recorded_runs.h"

namespace lehr {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::Not;
using ::testing::ResultOf;
using ::testing::SizeIs;
using ::testing::StartsWith;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'300);

std::vector<std::string> Lines(const std::string& frame) {
  std::vector<std::string> lines = absl::StrSplit(frame, '\n');
  lines.pop_back();
  return lines;
}

Fleet FourRuns() {
  Fleet fleet;
  for (const char* id : {"over", "works", "silent", "differs"}) {
    fleet.runs.push_back(MakeRun(id));
  }
  fleet.runs[0].set_state(v1::RUN_STATE_LEFT);
  fleet.runs[2].set_state(v1::RUN_STATE_SILENT);
  fleet.runs[3].set_replicas_differ_step(7);
  fleet.temperatures.try_emplace("works", kFleetGraph).first->second.Add(1);
  return fleet;
}

TEST(FleetFrame, RunsThatNeedAPersonAreFirstAndThoseThatAreOverLast) {
  const std::vector<std::string> lines =
      Lines(FleetFrame(FourRuns(), {.width = 120, .height = 20}, /*has_color=*/false, kNow));
  ASSERT_THAT(lines, SizeIs(6));
  EXPECT_THAT(lines[0], StartsWith("4 runs, 1 at work, 2 need a look, 1 over"));
  EXPECT_THAT(lines[1], StartsWith("RUN      STATE      RANKS       STEP       TEMP"));
  EXPECT_THAT(lines[2], StartsWith("silent   silent       2/2          2       0.25"));
  EXPECT_THAT(lines[3], StartsWith("differs  DIFFERS"));
  EXPECT_THAT(lines[4], StartsWith("works    active"));
  EXPECT_THAT(lines[4], HasSubstr("  █  "));
  EXPECT_THAT(lines[4], HasSubstr("acts: noise of 0.125"));
  EXPECT_THAT(lines[5], StartsWith("over     left"));
}

TEST(FleetFrame, FitsEveryTerminal) {
  Fleet fleet = FourRuns();
  fleet.runs[0].set_run_id(std::string(128, 'x'));
  for (const size_t width : {1, 5, 20, 40, 60, 80, 200}) {
    for (const size_t height : {1, 3, 5, 24}) {
      const std::vector<std::string> lines =
          Lines(FleetFrame(fleet, {width, height}, /*has_color=*/false, kNow));
      EXPECT_THAT(lines, Each(ResultOf(TextWidth, Le(width)))) << width;
      EXPECT_LE(lines.size(), std::max<size_t>(height, 2)) << height;
    }
  }
}

TEST(FleetFrame, ANarrowTerminalKeepsWhatMatters) {
  const std::vector<std::string> lines =
      Lines(FleetFrame(FourRuns(), {.width = 42, .height = 20}, /*has_color=*/false, kNow));
  EXPECT_THAT(lines[1], StartsWith("RUN      STATE         STEP       TEMP"));
}

TEST(FleetFrame, SaysHowManyRunsItDoesNotShow) {
  Fleet fleet;
  for (int i = 0; i < 50; ++i) {
    fleet.runs.push_back(MakeRun(absl::StrCat("run-", i)));
  }
  const std::vector<std::string> lines =
      Lines(FleetFrame(fleet, {.width = 80, .height = 10}, /*has_color=*/false, kNow));
  EXPECT_LE(lines.size(), 9);
  EXPECT_EQ(lines.back(), absl::StrCat("… and ", 50 - (lines.size() - 3), " more"));
}

TEST(FleetFrame, TroubleIsSaid) {
  Fleet fleet = FourRuns();
  fleet.trouble = "no supervisor answers at 127.0.0.1:1";
  EXPECT_THAT(FleetFrame(fleet, {}, /*has_color=*/false, kNow), HasSubstr(fleet.trouble));
}

TEST(FleetFrame, ColourOnlyWhereItIsWelcome) {
  EXPECT_THAT(FleetFrame(FourRuns(), {}, /*has_color=*/false, kNow), Not(HasSubstr("\033")));
  EXPECT_THAT(FleetFrame(FourRuns(), {}, /*has_color=*/true, kNow), HasSubstr("\033[31msilent"));
}

TEST(RunFrame, ShowsGraphsFactsAndTheNewestDecisionsThatFit) {
  WatchedRun watched = {.run = MakeRun("digits-3")};
  for (int64_t step = 0; step < 100; ++step) {
    watched.history.push_back(MakeEntry(step));
    watched.history.back().mutable_decision()->mutable_observation()->set_temperature(
        static_cast<double>(step));
  }
  const std::vector<std::string> lines =
      Lines(RunFrame(watched, {.width = 80, .height = 20}, /*has_color=*/false, kNow));
  EXPECT_THAT(lines, SizeIs(19));
  EXPECT_THAT(lines, Each(ResultOf(TextWidth, Le(80))));
  EXPECT_THAT(lines[0], StartsWith("digits-3  active, 2 of 2 ranks, step 2"));
  // The latest 56 values, from 44 on: 44 / 99 of the height.
  EXPECT_THAT(lines[1], StartsWith("temperature       0.25  ▄"));
  EXPECT_THAT(lines[1], EndsWith("█"));
  EXPECT_THAT(lines, Contains(StartsWith("tied losses 6.25 % of the loss ties exactly")));
  EXPECT_THAT(lines.back(), StartsWith("        99  "));
}

TEST(RunFrame, ATinyTerminalIsNoTrouble) {
  WatchedRun watched = {.run = MakeRun("digits-3"), .history = {MakeEntry(0)}};
  EXPECT_THAT(Lines(RunFrame(watched, {.width = 3, .height = 2}, /*has_color=*/false, kNow)),
              SizeIs(1));
}

}  // namespace
}  // namespace lehr
