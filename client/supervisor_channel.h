// How a client, or a sidecar, connects to a supervisor.
#ifndef LEHR_CLIENT_SUPERVISOR_CHANNEL_H_
#define LEHR_CLIENT_SUPERVISOR_CHANNEL_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "absl/time/time.h"

namespace lehr {

// A ping after this long without traffic; a server must allow pings this frequent.
inline constexpr absl::Duration kKeepaliveTime = absl::Seconds(30);
// The connection is dead if nothing answers a ping for this long.
inline constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(10);

// A connection of its own to `address`, HOST:PORT or another gRPC target. It is made when it is
// needed; it retries nothing.
std::shared_ptr<grpc::Channel> ConnectToSupervisor(const std::string& address);

}  // namespace lehr

#endif  // LEHR_CLIENT_SUPERVISOR_CHANNEL_H_
