// The program lehrd from the outside: exit codes and what it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "tests/finished_program.h"
#include "tests/temporary_folder.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

FinishedProgram RunLehrd(const std::string& arguments) {
  return RunProgram(LEHRD_BINARY, arguments);
}

// A port of loopback that somebody else listens on.
class TakenPort {
 public:
  TakenPort() : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(socket_, generic, size), 0);
    EXPECT_EQ(listen(socket_, 1), 0);
    EXPECT_EQ(getsockname(socket_, generic, &size), 0);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~TakenPort() { close(socket_); }
  TakenPort(const TakenPort&) = delete;
  TakenPort& operator=(const TakenPort&) = delete;

  const std::string& address() const { return address_; }

 private:
  const int socket_;
  std::string address_;
};

TEST(LehrdProgram, AWrongFlagEndsItWithTheUsageCode) {
  const FinishedProgram run = RunLehrd("--lisen=127.0.0.1:0");
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.output, HasSubstr("--lisen=127.0.0.1:0"));
}

TEST(LehrdProgram, APortInUseIsNamedAndEveryLineOfTheLogStaysJson) {
  const TemporaryFolder folder;
  const TakenPort port;
  const FinishedProgram run =
      RunLehrd("--log_format=json --log_level=debug --data_dir=" + folder.Path("data") +
               " --listen=" + port.address());
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr(port.address() + " (--listen)"));
  EXPECT_THAT(run.output, HasSubstr("gRPC"));
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
  EXPECT_THAT(run.output, HasSubstr(port.address()));
}

TEST(LehrdProgram, ADataDirectoryThatCannotBeIsNamed) {
  const FinishedProgram run = RunLehrd("--listen=127.0.0.1:0 --http=none --data_dir=/proc/lehr");
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr("/proc/lehr"));
}

}  // namespace
}  // namespace lehr
