#include "server/tcp_acceptor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/log.h"
#include "server/tcp_port.h"

namespace lehr {
namespace {

constexpr absl::Duration kPauseAfterFailure = absl::Milliseconds(50);
// Whoever fills the descriptors is not to fill the log too.
constexpr absl::Duration kPauseBetweenComplaints = absl::Seconds(10);

// Each accepted connection inherits those of TCP.
void SetOptions(int listener, absl::Duration peer_timeout) {
  fcntl(listener, F_SETFL, O_NONBLOCK);
  const int no_delay = 1;
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof(no_delay));
  const auto timeout_ms = static_cast<unsigned>(absl::ToInt64Milliseconds(peer_timeout));
  setsockopt(listener, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
}

std::uint16_t PortOf(int listener) {
  sockaddr_storage name = {};
  socklen_t size = sizeof(name);
  getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size);
  return ntohs(name.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(name).sin6_port
                                          : reinterpret_cast<const sockaddr_in&>(name).sin_port);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TcpAcceptor>> TcpAcceptor::Start(Options options) {
  absl::StatusOr<FileDescriptor> listener = BindTcpPort("listen", options.address);
  if (!listener.ok()) {
    return listener.status();
  }
  SetOptions(listener->get(), options.peer_timeout);
  if (listen(listener->get(), SOMAXCONN) != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", options.address.ToString(),
                     " (--listen): ", std::generic_category().message(errno)));
  }
  return std::unique_ptr<TcpAcceptor>(new TcpAcceptor(std::move(options), *std::move(listener)));
}

TcpAcceptor::TcpAcceptor(Options options, FileDescriptor listener)
    : options_(std::move(options)),
      listener_(std::move(listener)),
      port_(PortOf(listener_.get())),
      thread_([this] { Run(); }) {}

TcpAcceptor::~TcpAcceptor() {
  stopping_.Notify();
  // Ends the wait for a connection.
  shutdown(listener_.get(), SHUT_RDWR);
  thread_.join();
}

void TcpAcceptor::Run() {
  // An accept that waits would have taken its descriptor before, which may not be the lowest by
  // now.
  pollfd comes = {.fd = listener_.get(), .events = POLLIN, .revents = 0};
  while (!stopping_.HasBeenNotified()) {
    poll(&comes, 1, /*timeout=*/-1);
    const int connection = accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0) {
      const int error = errno;
      if (!stopping_.HasBeenNotified() && error != EAGAIN && error != ECONNABORTED) {
        Complain("connections cannot be accepted", error);
        stopping_.WaitForNotificationWithTimeout(kPauseAfterFailure);
      }
    } else if (connection >= options_.end_of_descriptors) {
      close(connection);
      Complain("connections are refused", EMFILE);
    } else {
      options_.take(connection, listener_.get());
    }
  }
}

void TcpAcceptor::Complain(const char* what, int error) {
  const absl::Time now = absl::Now();
  if (now >= next_complaint_) {
    next_complaint_ = now + kPauseBetweenComplaints;
    LogWarning(what, {{"why", std::generic_category().message(error)}});
  }
}

}  // namespace lehr
