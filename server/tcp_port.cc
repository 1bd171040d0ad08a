#include "server/tcp_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

bool BindIpv4(int socket, const Address& address) {
  sockaddr_in name = {};
  name.sin_family = AF_INET;
  name.sin_port = htons(address.port);
  inet_pton(AF_INET, address.host.c_str(), &name.sin_addr);
  return bind(socket, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0;
}

bool BindIpv6(int socket, const Address& address) {
  // "::" takes IPv4 too.
  const int only_ipv6 = 0;
  setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &only_ipv6, sizeof(only_ipv6));
  sockaddr_in6 name = {};
  name.sin6_family = AF_INET6;
  name.sin6_port = htons(address.port);
  inet_pton(AF_INET6, address.host.c_str(), &name.sin6_addr);
  return bind(socket, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0;
}

bool Bind(int socket, const Address& address) {
  // Connections of the process before that still end are no hindrance.
  const int reuse = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
  return address.IsIpv6() ? BindIpv6(socket, address) : BindIpv4(socket, address);
}

}  // namespace

absl::StatusOr<FileDescriptor> BindTcpPort(std::string_view flag, const Address& address) {
  FileDescriptor bound(
      socket(address.IsIpv6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!bound.valid() || !Bind(bound.get(), address)) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", address.ToString(), " (--",
                                               absl::string_view(flag.data(), flag.size()),
                                               "): ", std::generic_category().message(errno)));
  }
  return bound;
}

}  // namespace lehr
