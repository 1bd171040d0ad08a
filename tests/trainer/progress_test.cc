#include "trainer/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace lehr {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr ProgressPrinter::Time kStart;

TrainingProgress At(int64_t step) {
  return {.step = step,
          .steps = 1000,
          .mean_loss = 0.25,
          .train_accuracy = std::nullopt,
          .test_accuracy = std::nullopt,
          .temperature = std::nullopt,
          .perturbations_applied = 0};
}

TEST(PlainProgress, PrintsALineEveryFiveSeconds) {
  std::ostringstream out;
  ProgressPrinter printer("xor", out, /*terminal_columns=*/0, kStart);
  for (int step = 1; step <= 119; ++step) {
    printer.Show(At(step), kStart + step * milliseconds(100));
  }
  EXPECT_EQ(out.str(),
            "xor  step 50/1000  loss 0.25  10 steps/s  ETA 1:35\n"
            "xor  step 100/1000  loss 0.25  10 steps/s  ETA 1:30\n");
}

TEST(PlainProgress, FinishPrintsTheLastStep) {
  std::ostringstream out;
  ProgressPrinter printer("xor", out, /*terminal_columns=*/0, kStart);
  printer.Show(At(1), kStart + milliseconds(1));
  printer.Show(At(1000), kStart + seconds(2));
  printer.Finish(kStart + seconds(2));
  EXPECT_EQ(out.str(), "xor  step 1000/1000  loss 0.25  500 steps/s  ETA 0:00\n");
}

TEST(PlainProgress, FinishDoesNotRepeatALine) {
  std::ostringstream out;
  ProgressPrinter printer("xor", out, /*terminal_columns=*/0, kStart);
  printer.Show(At(1), kStart + seconds(5));
  const std::string printed = out.str();
  printer.Finish(kStart + seconds(6));
  EXPECT_EQ(out.str(), printed);
}

TEST(PlainProgress, ARunWithoutStepsPrintsNothing) {
  std::ostringstream out;
  ProgressPrinter printer("xor", out, /*terminal_columns=*/0, kStart);
  printer.Finish(kStart + seconds(6));
  EXPECT_EQ(out.str(), "");
}

// Speed and time to go count what this process has done.
TEST(PlainProgress, AResumedRunStartsCountingAnew) {
  std::ostringstream out;
  ProgressPrinter printer("xor", out, /*terminal_columns=*/0, kStart);
  printer.Show(At(901), kStart + seconds(1));
  printer.Show(At(950), kStart + seconds(5));
  EXPECT_EQ(out.str(), "xor  step 950/1000  loss 0.25  10 steps/s  ETA 0:05\n");
}

TEST(PlainProgress, ShowsAccuracyTemperatureAndKicksWhenKnown) {
  std::ostringstream out;
  ProgressPrinter printer("xor", out, /*terminal_columns=*/0, kStart);
  TrainingProgress progress = At(10);
  progress.train_accuracy = 0.75;
  progress.test_accuracy = 0.5;
  progress.temperature = 0.125;
  progress.perturbations_applied = 3;
  printer.Show(progress, kStart + seconds(5));
  EXPECT_THAT(out.str(), HasSubstr("loss 0.25  train 75.0 %  test 50.0 %  T 0.125  kicks 3  "));
}

TEST(PlainProgress, LongTimesHaveHours) {
  std::ostringstream out;
  ProgressPrinter printer("xor", out, /*terminal_columns=*/0, kStart);
  printer.Show(At(1), kStart + seconds(10));
  EXPECT_THAT(out.str(), EndsWith("0.1 steps/s  ETA 2:46:30\n"));
}

TEST(TerminalProgress, RewritesOneLine) {
  std::ostringstream out;
  ProgressPrinter printer("xor", out, /*terminal_columns=*/100, kStart);
  printer.Show(At(1), kStart + milliseconds(50));
  EXPECT_EQ(out.str(), "");
  printer.Show(At(500), kStart + milliseconds(100));
  EXPECT_THAT(out.str(), StartsWith("\rxor  [##########----------]  step 500/1000  loss 0.25"));
  EXPECT_THAT(out.str(), Not(HasSubstr("\n")));
  printer.Show(At(1000), kStart + milliseconds(150));
  printer.Finish(kStart + milliseconds(150));
  EXPECT_THAT(out.str(), HasSubstr("\rxor  [####################]  step 1000/1000"));
  EXPECT_THAT(out.str(), EndsWith("\x1b[K\n"));
}

TEST(TerminalProgress, ANarrowTerminalCutsTheLine) {
  std::ostringstream out;
  ProgressPrinter printer("xor", out, /*terminal_columns=*/20, kStart);
  printer.Show(At(500), kStart + milliseconds(100));
  EXPECT_EQ(out.str(), "\rxor  [##########---\x1b[K");
}

}  // namespace
}  // namespace lehr
