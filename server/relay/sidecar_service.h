// The gRPC services of a sidecar: SupervisorService for the ranks of its machine. What only a
// supervisor can answer (RunsService, Relay) is UNIMPLEMENTED, with the supervisor's address.
#ifndef LEHR_SERVER_RELAY_SIDECAR_SERVICE_H_
#define LEHR_SERVER_RELAY_SIDECAR_SERVICE_H_

#include <cstdint>

#include "server/grpc_server.h"
#include "server/metrics.h"
#include "server/relay/sidecar.h"

namespace lehr {

// At most `max_streams` ranks at a time. The sidecar and the metrics outlive the services.
GrpcServer::Services SidecarServices(Sidecar& sidecar, Metrics& metrics, uint32_t max_streams);

}  // namespace lehr

#endif  // LEHR_SERVER_RELAY_SIDECAR_SERVICE_H_
