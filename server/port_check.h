// Whether an address can be listened on, asked before anything else is begun: gRPC would say it
// late and at length, after the journal was opened.
#ifndef LEHR_SERVER_PORT_CHECK_H_
#define LEHR_SERVER_PORT_CHECK_H_

#include <string_view>

#include "absl/status/status.h"
#include "server/options/address.h"

namespace lehr {

// UNAVAILABLE with the address, the flag that named it and the system's reason. Nothing listens
// when it returns, so that a program which starts at the same time may still be faster.
absl::Status CheckPortIsFree(std::string_view flag, const Address& address);

}  // namespace lehr

#endif  // LEHR_SERVER_PORT_CHECK_H_
