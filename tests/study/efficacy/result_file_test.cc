#include "tests/study/efficacy/result_file.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "tests/study/efficacy/study_task.h"
#include "tests/study/efficacy/tuning.h"

namespace lehr {
namespace {

class ResultFileTest : public ::testing::Test {
 protected:
  ResultFileTest() { std::remove(path_.c_str()); }

  const std::string path_ = ::testing::TempDir() + "/result_file_test.csv";
};

TEST_F(ResultFileTest, GivesBackWhatWasWritten) {
  {
    absl::StatusOr<ResultFile> file = ResultFile::Open(path_);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE(file->Append({.task = "xor-paper",
                              .arm = "restart (window 5)",
                              .seed = 300'001,
                              .reached_step = 177,
                              .ends_there = true,
                              .final_accuracy = 1,
                              .best_accuracy = 1,
                              .final_loss = 0.25,
                              .actions = 3,
                              .parameter_hash = 0xffffffffffffffffu,
                              .cpu_seconds = 0.125,
                              .study_seconds = 60.5})
                    .ok());
  }
  const absl::StatusOr<ResultFile> file = ResultFile::Open(path_);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->results().size(), 1U);
  const TrialResult& result = file->results()[0];
  EXPECT_EQ(result.arm, "restart (window 5)");
  EXPECT_EQ(result.seed, 300'001U);
  EXPECT_EQ(result.reached_step, 177);
  EXPECT_TRUE(result.ends_there);
  EXPECT_EQ(result.actions, 3);
  EXPECT_EQ(result.parameter_hash, 0xffffffffffffffffu);
  EXPECT_EQ(result.cpu_seconds, 0.125);
  EXPECT_EQ(result.study_seconds, 60.5);
}

// A comma in a title would make another field of it.
TEST_F(ResultFileTest, HoldsEveryArm) {
  absl::StatusOr<ResultFile> file = ResultFile::Open(path_);
  ASSERT_TRUE(file.ok()) << file.status();
  size_t written = 0;
  for (const StudyTask& task : StudyTasks()) {
    for (const auto& arms : {TuningGrid(task), TableArms(task)}) {
      for (const Arm& arm : arms) {
        ASSERT_TRUE(file->Append({.task = task.name, .arm = arm.title}).ok());
        ++written;
      }
    }
  }
  const absl::StatusOr<ResultFile> again = ResultFile::Open(path_);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->results().size(), written);
}

TEST_F(ResultFileTest, DropsALineThatWasCutOff) {
  {
    absl::StatusOr<ResultFile> file = ResultFile::Open(path_);
    ASSERT_TRUE(file->Append({.task = "xor-paper", .arm = "none"}).ok());
  }
  std::ofstream(path_, std::ios::app) << "xor-paper,no";
  const absl::StatusOr<ResultFile> file = ResultFile::Open(path_);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->results().size(), 1U);
}

TEST_F(ResultFileTest, NamesALineThatIsNoResult) {
  std::ofstream(path_) << "header\nxor-paper,none,1,2\n";
  const absl::StatusOr<ResultFile> file = ResultFile::Open(path_);
  EXPECT_EQ(file.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(file.status().message().find(":2 is not a result: xor-paper,none,1,2"),
            std::string::npos);
}

}  // namespace
}  // namespace lehr
