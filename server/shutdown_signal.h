// Waits for the signals that ask the process to end: SIGTERM and SIGINT.
//
//   ShutdownSignal shutdown;          // first in main, so that every thread inherits the mask
//   ... start threads ...
//   shutdown.Wait();                  // until the first signal
//   ... drain; a second signal kills ...
#ifndef LEHR_SERVER_SHUTDOWN_SIGNAL_H_
#define LEHR_SERVER_SHUTDOWN_SIGNAL_H_

#include <csignal>
#include <string>

namespace lehr {

class ShutdownSignal {
 public:
  // Keeps the signals from the calling thread and from those that it starts.
  ShutdownSignal();

  // Waits for a signal and returns its name, e.g. "SIGTERM". From then on a further one has its
  // default effect on the calling thread, which is the process's end. Call once, from the thread
  // that made this.
  std::string Wait();

 private:
  sigset_t signals_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_SHUTDOWN_SIGNAL_H_
