// An address to listen on: an IP address and a TCP port.
//
//   ParseAddress("127.0.0.1:7070"), ParseAddress("[::1]:7070"), ParseAddress("localhost:7070")
//
// "localhost" is read as 127.0.0.1; other names are refused, because what they resolve to may
// change between the check and the listening. Port 0 asks the system for a free one.
#ifndef LEHR_SERVER_OPTIONS_ADDRESS_H_
#define LEHR_SERVER_OPTIONS_ADDRESS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace lehr {

struct Address {
  // An IPv4 or IPv6 address, without brackets.
  std::string host;
  std::uint16_t port = 0;

  // "127.0.0.1:7070" or "[::1]:7070".
  std::string ToString() const;

  bool IsIpv6() const;

  // Only processes of this machine can reach it.
  bool IsLoopback() const;

  // Both cannot be listened on at once: the same port, and one host or all of them.
  bool CollidesWith(const Address& other) const;

  friend bool operator==(const Address&, const Address&) = default;
};

// INVALID_ARGUMENT with what is wrong, without the text itself.
absl::StatusOr<Address> ParseAddress(std::string_view text);

}  // namespace lehr

#endif  // LEHR_SERVER_OPTIONS_ADDRESS_H_
