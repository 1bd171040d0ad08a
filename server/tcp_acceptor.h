// A listening socket, and the thread that accepts its connections.
//
// gRPC could accept by itself, but once that has failed for want of a file descriptor, gRPC 1.51
// listens no more, also when there are descriptors again (CVE-2023-4785). Here a connection that
// would take one of the last descriptors is closed at once, so that journal and HTTP keep theirs,
// and a failure is followed by another try.
#ifndef LEHR_SERVER_TCP_ACCEPTOR_H_
#define LEHR_SERVER_TCP_ACCEPTOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "server/journal/file_descriptor.h"
#include "server/options/address.h"

namespace lehr {

class TcpAcceptor {
 public:
  struct Options {
    // Port 0 takes a free one.
    Address address;
    // The system gives the lowest descriptor that is free: a connection with this one or a higher
    // one is closed.
    int end_of_descriptors = 0;
    // How long a peer may leave unacknowledged what was sent to it.
    absl::Duration peer_timeout;
    // Owns the connection, which does not block, from then on. Called by the acceptor's thread.
    std::function<void(int connection, int listener)> take;
  };

  // UNAVAILABLE, with the address, if it cannot be listened on.
  static absl::StatusOr<std::unique_ptr<TcpAcceptor>> Start(Options options);
  // Stops listening. Waits for a `take` that is running.
  ~TcpAcceptor();
  TcpAcceptor(const TcpAcceptor&) = delete;
  TcpAcceptor& operator=(const TcpAcceptor&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  TcpAcceptor(Options options, FileDescriptor listener);
  void Run();
  void Complain(const char* what, int error);

  const Options options_;
  const FileDescriptor listener_;
  const std::uint16_t port_;
  absl::Time next_complaint_ = absl::InfinitePast();
  absl::Notification stopping_;
  std::thread thread_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_TCP_ACCEPTOR_H_
