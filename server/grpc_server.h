// The gRPC side of lehrd: services, bounds, health and reflection on one port.
#ifndef LEHR_SERVER_GRPC_SERVER_H_
#define LEHR_SERVER_GRPC_SERVER_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/tls/tls_files.h"
#include "server/metrics.h"
#include "server/options/address.h"
#include "server/supervisor.h"
#include "server/tcp_acceptor.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace lehr {

class GrpcServer {
 public:
  struct Options {
    // Port 0 takes a free one.
    Address address;
    // See client/tls/credentials.h. Default: nothing is encrypted.
    TlsFiles tls;
    // A connection is refused if its file descriptor would be this or a higher one.
    int end_of_descriptors = std::numeric_limits<int>::max();
    // Ranks and sidecars that may be connected at a time.
    uint32_t max_streams = 4096;
    // What all calls together may hold in buffers. Unit: bytes.
    int64_t memory_quota = 0;
    bool reflection = false;
  };

  using Services = std::vector<std::unique_ptr<grpc::Service>>;

  // UNAVAILABLE, with the address, if it cannot be listened on.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const Options& options,
                                                           Services services);
  // With the services of a supervisor, which outlives it, as the metrics do.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const Options& options,
                                                           Supervisor& supervisor,
                                                           Metrics& metrics);
  ~GrpcServer();

  int port() const { return port_; }
  // Tells health checks that no more calls are wanted.
  void SetNotServing();
  // Waits for running calls until `deadline`, then cancels them.
  void Shutdown(absl::Time deadline);

 private:
  explicit GrpcServer(Services services);

  const Services services_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<TcpAcceptor> acceptor_;
  int port_ = 0;
};

}  // namespace lehr

#endif  // LEHR_SERVER_GRPC_SERVER_H_
