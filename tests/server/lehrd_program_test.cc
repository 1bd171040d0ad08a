// The program lehrd from the outside: exit codes and what it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "tests/finished_program.h"
#include "tests/taken_port.h"
#include "tests/temporary_folder.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

FinishedProgram RunLehrd(const std::string& arguments) {
  return RunProgram(LEHRD_BINARY, arguments);
}

TEST(LehrdProgram, AWrongFlagEndsItWithTheUsageCode) {
  const FinishedProgram run = RunLehrd("--lisen=127.0.0.1:0");
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.output, HasSubstr("--lisen=127.0.0.1:0"));
}

// Before anything else is begun: in a line or two, and without a trace on the disk.
TEST(LehrdProgram, APortInUseIsNamedFirst) {
  const TemporaryFolder folder;
  const TakenPort port;
  const FinishedProgram run =
      RunLehrd("--log_format=json --log_level=debug --data_dir=" + folder.Path("data") +
               " --listen=" + port.address());
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr(port.address() + " (--listen)"));
  EXPECT_THAT(run.output, Not(HasSubstr("gRPC")));
  EXPECT_FALSE(std::filesystem::exists(folder.Path("data")));
  std::istringstream lines(run.output);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  }
}

TEST(LehrdProgram, AnHttpPortInUseIsNamed) {
  const TemporaryFolder folder;
  const TakenPort port;
  const FinishedProgram run = RunLehrd("--data_dir=" + folder.Path("data") +
                                       " --listen=127.0.0.1:0 --http=" + port.address());
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr(port.address() + " (--http)"));
}

TEST(LehrdProgram, ADataDirectoryThatCannotBeIsNamed) {
  const FinishedProgram run = RunLehrd("--listen=127.0.0.1:0 --http=none --data_dir=/proc/lehr");
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr("/proc/lehr"));
}

}  // namespace
}  // namespace lehr
