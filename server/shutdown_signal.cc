#include "server/shutdown_signal.h"

namespace lehr {

ShutdownSignal::ShutdownSignal() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals_, /*oldmask=*/nullptr);
}

std::string ShutdownSignal::Wait() {
  int signal = 0;
  while (sigwait(&signals_, &signal) != 0) {
  }
  pthread_sigmask(SIG_UNBLOCK, &signals_, /*oldmask=*/nullptr);
  return signal == SIGTERM ? "SIGTERM" : "SIGINT";
}

}  // namespace lehr
