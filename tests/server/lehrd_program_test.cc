// The program lehrd from the outside: exit codes and what it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "tests/finished_program.h"
#include "tests/server/lehrd_process.h"
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

TEST(LehrdProgram, ATokenThatIsNoneIsNamed) {
  const TemporaryFolder folder;
  const FinishedProgram run =
      RunLehrd("--listen=127.0.0.1:0 --http=none --data_dir=" + folder.Path("data") +
               " --http_token_file=" + folder.Path("missing"));
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr(folder.Path("missing")));
}

// A journal that lehrd made and stopped with.
void MakeJournal(const std::string& data_dir) {
  LehrdProcess lehrd(LEHRD_BINARY, {"--listen=127.0.0.1:0", "--data_dir=" + data_dir});
  EXPECT_EQ(lehrd.End(SIGTERM), 0);
}

TEST(LehrdProgram, CheckJournalTellsWhatIsThere) {
  const TemporaryFolder folder;
  MakeJournal(folder.Path("data"));
  const FinishedProgram run = RunLehrd("--check_journal --data_dir=" + folder.Path("data"));
  EXPECT_EQ(run.code, 0);
  EXPECT_THAT(run.output, HasSubstr(folder.Path("data") + ": the journal is intact\n"));
  EXPECT_THAT(run.output, HasSubstr("lehrd stopped cleanly\n"));
  EXPECT_THAT(run.output, Not(HasSubstr("not lehrd's")));
}

TEST(LehrdProgram, CheckJournalNamesTheDamage) {
  const TemporaryFolder folder;
  MakeJournal(folder.Path("data"));
  std::filesystem::resize_file(folder.Path("data") + "/journal.db", 10000);
  const FinishedProgram run = RunLehrd("--check_journal --data_dir=" + folder.Path("data"));
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr("lehrd: " + folder.Path("data/journal.db") + ": "));
  EXPECT_THAT(run.output, Not(HasSubstr("intact")));
}

TEST(LehrdProgram, CheckJournalLeavesARunningLehrdAlone) {
  const TemporaryFolder folder;
  LehrdProcess lehrd(LEHRD_BINARY, {"--listen=127.0.0.1:0", "--data_dir=" + folder.Path("data")});
  const FinishedProgram run = RunLehrd("--check_journal --data_dir=" + folder.Path("data"));
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr(folder.Path("data") + " is held by process "));
  EXPECT_EQ(lehrd.End(SIGTERM), 0);
}

TEST(LehrdProgram, CheckJournalMakesNoDirectory) {
  const TemporaryFolder folder;
  const FinishedProgram run = RunLehrd("--check_journal --data_dir=" + folder.Path("missing"));
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr("no directory " + folder.Path("missing")));
  EXPECT_FALSE(std::filesystem::exists(folder.Path("missing")));
}

TEST(LehrdProgram, CheckJournalWantsADirectory) {
  const FinishedProgram run = RunLehrd("--check_journal");
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.output, HasSubstr("--data_dir is required"));
}

TEST(LehrdProgram, CheckJournalIsNotForASidecar) {
  const FinishedProgram run = RunLehrd("--check_journal --upstream=127.0.0.1:7070");
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.output, HasSubstr("--check_journal: is not for a sidecar"));
}

// A page that is open follows for as long as it likes, and lehrd does not wait for it.
TEST(LehrdProgram, AnOpenPageDoesNotHoldUpTheEnd) {
  const TemporaryFolder folder;
  LehrdProcess lehrd(LEHRD_BINARY, {"--listen=127.0.0.1:0", "--data_dir=" + folder.Path("data")},
                     LehrdProcess::Http::kFreePort);
  const std::string& address = lehrd.http_address();
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.find(':') + 1))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int page = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(connect(page, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
  const std::string request = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
  ASSERT_EQ(send(page, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  std::string answer;
  std::array<char, 4096> buffer;
  ssize_t size = 1;
  while (size > 0 && answer.find("event: overview") == std::string::npos) {
    size = recv(page, buffer.data(), buffer.size(), 0);
    answer.append(buffer.data(), static_cast<size_t>(std::max<ssize_t>(size, 0)));
  }
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Type: text/event-stream\r\n"));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(lehrd.End(SIGTERM), 0);
  // Not the ten seconds that --shutdown_timeout gives to calls.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8));
  close(page);
}

}  // namespace
}  // namespace lehr
