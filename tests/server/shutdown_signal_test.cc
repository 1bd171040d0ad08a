#include "server/shutdown_signal.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>

namespace lehr {
namespace {

// Each in a process of its own, which a failure may kill.

// Sends the signal to this process from a thread, and ends it with 0 if Wait returns this name. A
// thread that had not inherited the mask would take the signal, and the process would die of it.
void SendAndWait(int signal, const std::string& name) {
  ShutdownSignal shutdown;
  std::thread([signal] { kill(getpid(), signal); }).join();
  std::_Exit(shutdown.Wait() == name ? 0 : 1);
}

TEST(ShutdownSignalDeathTest, WaitsForSigterm) {
  EXPECT_EXIT(SendAndWait(SIGTERM, "SIGTERM"), testing::ExitedWithCode(0), "");
}

TEST(ShutdownSignalDeathTest, WaitsForSigint) {
  EXPECT_EXIT(SendAndWait(SIGINT, "SIGINT"), testing::ExitedWithCode(0), "");
}

// Whoever presses Ctrl-C twice does not want to wait for the drain.
TEST(ShutdownSignalDeathTest, ASecondSignalKills) {
  const auto send_two = [] {
    ShutdownSignal shutdown;
    kill(getpid(), SIGINT);
    shutdown.Wait();
    kill(getpid(), SIGINT);
    std::_Exit(0);
  };
  EXPECT_EXIT(send_two(), testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace lehr
