// Addresses to listen on.
#ifndef LEHR_SERVER_TCP_PORT_H_
#define LEHR_SERVER_TCP_PORT_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "server/journal/file_descriptor.h"
#include "server/options/address.h"

namespace lehr {

// A socket that has the address, and does not listen yet. UNAVAILABLE with the address, the flag
// that named it and the system's reason.
absl::StatusOr<FileDescriptor> BindTcpPort(std::string_view flag, const Address& address);

}  // namespace lehr

#endif  // LEHR_SERVER_TCP_PORT_H_
