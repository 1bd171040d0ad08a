#include "server/options/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <charconv>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

// The canonical spelling, e.g. "::1" for "0:0::1"; empty if the text is no address of that family.
std::string Canonical(int family, const std::string& text) {
  in6_addr bytes;
  std::array<char, INET6_ADDRSTRLEN> spelling;
  if (inet_pton(family, text.c_str(), &bytes) != 1) {
    return "";
  }
  return inet_ntop(family, &bytes, spelling.data(), spelling.size());
}

bool IsAnyHost(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

}  // namespace

std::string Address::ToString() const {
  return IsIpv6() ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

bool Address::IsIpv6() const { return absl::StrContains(host, ':'); }

bool Address::IsLoopback() const { return absl::StartsWith(host, "127.") || host == "::1"; }

bool Address::CollidesWith(const Address& other) const {
  if (port == 0 || port != other.port) {
    return false;
  }
  return host == other.host || IsAnyHost(host) || IsAnyHost(other.host);
}

absl::StatusOr<Address> ParseAddress(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return absl::InvalidArgumentError("not of the form HOST:PORT");
  }

  const std::string_view port_text = text.substr(colon + 1);
  Address address;
  const auto [end, error] =
      std::from_chars(port_text.data(), port_text.data() + port_text.size(), address.port);
  if (error != std::errc() || end != port_text.data() + port_text.size()) {
    return absl::InvalidArgumentError("the port is not a number from 0 to 65535");
  }

  const std::string host(text.substr(0, colon));
  if (host == "localhost") {
    address.host = "127.0.0.1";
  } else if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    address.host = Canonical(AF_INET6, host.substr(1, host.size() - 2));
  } else {
    address.host = Canonical(AF_INET, host);
  }
  if (address.host.empty()) {
    return absl::InvalidArgumentError(
        "the host is not an IPv4 address, an IPv6 address in brackets, or localhost");
  }
  return address;
}

}  // namespace lehr
