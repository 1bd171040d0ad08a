// How a client, or a sidecar, connects to a supervisor.
#ifndef LEHR_CLIENT_SUPERVISOR_CHANNEL_H_
#define LEHR_CLIENT_SUPERVISOR_CHANNEL_H_

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "absl/time/time.h"

namespace lehr {

// A ping after this long without traffic; a server must allow pings this frequent.
inline constexpr absl::Duration kKeepaliveTime = absl::Seconds(30);
// The connection is dead if nothing answers a ping for this long.
inline constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(10);

// Where a supervisor is, and how both ends prove who they are.
struct SupervisorTarget {
  // HOST:PORT or another gRPC target.
  std::string address;
  // See client/tls/credentials.h.
  std::shared_ptr<grpc::ChannelCredentials> credentials;
};

// A connection of its own. It is made when it is needed; it retries nothing.
std::shared_ptr<grpc::Channel> ConnectToSupervisor(const SupervisorTarget& target);

}  // namespace lehr

#endif  // LEHR_CLIENT_SUPERVISOR_CHANNEL_H_
