#include "server/port_check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

// 0, or the error.
int BindIpv4(int socket, const Address& address) {
  sockaddr_in name = {};
  name.sin_family = AF_INET;
  name.sin_port = htons(address.port);
  inet_pton(AF_INET, address.host.c_str(), &name.sin_addr);
  return bind(socket, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0 ? 0 : errno;
}

int BindIpv6(int socket, const Address& address) {
  sockaddr_in6 name = {};
  name.sin6_family = AF_INET6;
  name.sin6_port = htons(address.port);
  inet_pton(AF_INET6, address.host.c_str(), &name.sin6_addr);
  return bind(socket, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0 ? 0 : errno;
}

int Bind(const Address& address) {
  const int family = address.IsIpv6() ? AF_INET6 : AF_INET;
  const int descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) {
    return errno;
  }
  const absl::Cleanup close_socket = [descriptor] { close(descriptor); };
  // As the servers do: connections of the process before that still end are no hindrance.
  const int reuse = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
  return address.IsIpv6() ? BindIpv6(descriptor, address) : BindIpv4(descriptor, address);
}

}  // namespace

absl::Status CheckPortIsFree(std::string_view flag, const Address& address) {
  const int error = Bind(address);
  return error == 0
             ? absl::OkStatus()
             : absl::UnavailableError(absl::StrCat("cannot listen on ", address.ToString(), " (--",
                                                   absl::string_view(flag.data(), flag.size()),
                                                   "): ", std::generic_category().message(error)));
}

}  // namespace lehr
