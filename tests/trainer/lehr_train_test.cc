// The program lehr-train from the outside: exit codes, messages, files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/finished_program.h"
#include "tests/temporary_folder.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

FinishedProgram RunTrainer(const std::string& arguments) {
  return RunProgram(LEHR_TRAIN_BINARY, arguments);
}

Json ReadJson(const std::string& path) { return Json::parse(ReadAll(path)); }

TEST(LehrTrain, SolvesThePapersXorAndWritesTheResult) {
  const TemporaryFolder folder;
  const std::string path = folder.Path("result.json");
  const FinishedProgram run = RunTrainer("--task=xor-relu-sum --seed=0 --json=" + path);
  EXPECT_EQ(run.code, 0) << run.output;
  const Json result = ReadJson(path);
  EXPECT_EQ(result.at("task"), "xor-relu-sum");
  EXPECT_EQ(result.at("architecture"), "2-2-sum");
  EXPECT_EQ(result.at("losses_by_example").size(), 4U);
  EXPECT_THAT(run.output, HasSubstr("xor-relu-sum, seed 0: "));
}

TEST(LehrTrain, TheSameSeedGivesTheSameParameters) {
  const TemporaryFolder folder;
  const auto checksum = [&folder](const std::string& seed) {
    const std::string path = folder.Path("result.json");
    EXPECT_EQ(RunTrainer("--task=spirals --steps=500 --seed=" + seed + " --json=" + path).code, 0);
    return ReadJson(path).at("parameter_crc32").get<std::string>();
  };
  EXPECT_EQ(checksum("1"), checksum("1"));
  EXPECT_NE(checksum("1"), checksum("2"));
}

TEST(LehrTrain, ResumesWithTheSameBits) {
  const TemporaryFolder folder;
  const std::string common =
      "--task=spirals --optimizer=adam --json=" + folder.Path("result.json") +
      " --checkpoint=" + folder.Path("checkpoint");
  ASSERT_EQ(
      RunTrainer("--task=spirals --optimizer=adam --steps=95 --json=" + folder.Path("whole.json"))
          .code,
      0);
  ASSERT_EQ(RunTrainer(common + " --steps=33 --resume").code, 0);
  const FinishedProgram resumed = RunTrainer(common + " --steps=95 --resume");
  ASSERT_EQ(resumed.code, 0);
  EXPECT_THAT(resumed.output, HasSubstr("at step 33"));
  EXPECT_EQ(ReadJson(folder.Path("result.json")).at("parameter_crc32"),
            ReadJson(folder.Path("whole.json")).at("parameter_crc32"));
}

// Training again by mistake must not cost the old run.
TEST(LehrTrain, DoesNotOverwriteACheckpoint) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("checkpoint", "precious");
  const FinishedProgram run = RunTrainer("--task=xor --checkpoint=" + path);
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr(path + " exists"));
  EXPECT_EQ(ReadAll(path), "precious");
}

TEST(LehrTrain, RefusesACorruptCheckpoint) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("checkpoint", "not a checkpoint at all");
  const FinishedProgram run = RunTrainer("--task=xor --resume --checkpoint=" + path);
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr("checkpoint " + path));
}

TEST(LehrTrain, RefusesACheckpointOfAnotherSeed) {
  const TemporaryFolder folder;
  const std::string common = "--task=xor --resume --checkpoint=" + folder.Path("checkpoint");
  ASSERT_EQ(RunTrainer(common + " --steps=5 --seed=1").code, 0);
  const FinishedProgram run = RunTrainer(common + " --steps=9 --seed=2");
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr("its seed is 1, not 2"));
}

TEST(LehrTrain, LossesThatAreNotFiniteFailWithStepAndIds) {
  const TemporaryFolder folder;
  const std::string path = folder.Path("result.json");
  const FinishedProgram run = RunTrainer("--task=xor --loss=mse --lr=1e30 --json=" + path);
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr("examples is not finite: example "));
  EXPECT_EQ(ReadJson(path).at("stop_reason"), "loss_not_finite");
  EXPECT_TRUE(ReadJson(path).at("final_loss").is_null());
}

TEST(LehrTrain, AWrongFlagExitsWithTwo) {
  const FinishedProgram run = RunTrainer("--task=xor --lr=-1");
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.output, HasSubstr("--lr: -1"));
}

TEST(LehrTrain, HelpExitsWithZero) {
  const FinishedProgram run = RunTrainer("--help");
  EXPECT_EQ(run.code, 0);
  EXPECT_THAT(run.output, HasSubstr("--base_noise_level"));
}

TEST(LehrTrain, NamesAMissingDataFile) {
  const FinishedProgram run = RunTrainer("--task=fashion-mnist --data=/does/not/exist");
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr("/does/not/exist/train-images-idx3-ubyte.gz"));
}

TEST(LehrTrain, NamesLineAndColumnOfTextInANumberColumn) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("a.csv", "x,kind\n1,a\nlots,b\n");
  const FinishedProgram run = RunTrainer("--task=csv --data=" + path);
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr(path + ", line 3: column 1 (\"x\"): \"lots\""));
}

// Before any training: the result of hours would be lost.
TEST(LehrTrain, NamesAResultFileThatCannotBeWritten) {
  const FinishedProgram run = RunTrainer("--task=xor --json=/does/not/exist/r.json");
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr("/does/not/exist/r.json"));
}

TEST(LehrTrain, AFailedTrainingLeavesNoResultFile) {
  const TemporaryFolder folder;
  const std::string path = folder.Path("result.json");
  EXPECT_EQ(RunTrainer("--task=fashion-mnist --data=/does/not/exist --json=" + path).code, 1);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(LehrTrain, NamesAResultPathThatIsNoFileBeforeItTrains) {
  const TemporaryFolder folder;
  const FinishedProgram run = RunTrainer("--task=xor --json=" + folder.Path("."));
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr("is not a regular file"));
}

TEST(LehrTrain, LearnsACsvFile) {
  const TemporaryFolder folder;
  std::string content = "x,y,inside\n";
  for (int i = 0; i < 400; ++i) {
    const int x = i % 20 - 10;
    const int y = i / 20 - 10;
    content += std::to_string(x) + "," + std::to_string(y) + "," +
               (x * x + y * y < 40 ? "yes" : "no") + "\n";
  }
  const std::string path = folder.Path("result.json");
  const FinishedProgram run =
      RunTrainer("--task=csv --label_column=inside --steps=2000 --json=" + path +
                 " --data=" + folder.Write("circle.csv", content));
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_GT(ReadJson(path).at("final_test_accuracy").get<double>(), 0.9);
}

// SIGTERM ends after the step at hand, with result and checkpoint. The line "continuing" tells when
// the program is ready.
TEST(LehrTrain, ASignalEndsItWithACheckpoint) {
  const TemporaryFolder folder;
  const std::string arguments =
      " --task=spirals --resume --checkpoint=" + folder.Path("checkpoint") +
      " --json=" + folder.Path("result.json");
  ASSERT_EQ(RunTrainer(arguments + " --steps=3").code, 0);
  const std::string command =
      "echo $$; exec " LEHR_TRAIN_BINARY + arguments + " --steps=1000000000000 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  char line[4096] = "";
  ASSERT_NE(fgets(line, sizeof(line), pipe), nullptr);
  const pid_t process = std::stoi(line);
  ASSERT_NE(fgets(line, sizeof(line), pipe), nullptr);
  ASSERT_THAT(std::string(line), HasSubstr("continuing"));
  kill(process, SIGTERM);
  while (fgets(line, sizeof(line), pipe) != nullptr) {
  }
  EXPECT_EQ(WEXITSTATUS(pclose(pipe)), 130);
  EXPECT_EQ(ReadJson(folder.Path("result.json")).at("stop_reason"), "interrupted");
  EXPECT_TRUE(std::filesystem::exists(folder.Path("checkpoint")));
}

}  // namespace
}  // namespace lehr
