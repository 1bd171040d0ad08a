// A sidecar's stream on gRPC (SupervisorService.Relay): the ranks of one job on one node, which
// have their places in the run like ranks with streams of their own.
#ifndef LEHR_SERVER_NODE_STREAM_H_
#define LEHR_SERVER_NODE_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include "lehr/v1/supervisor.pb.h"
#include "server/metrics.h"
#include "server/run_table.h"
#include "server/stream_limit.h"

namespace lehr {

// Deletes itself when the stream is done. The stream and each of its ranks count against `limit`.
// All arguments outlive it.
grpc::ServerBidiReactor<v1::RelayRequest, v1::RelayResponse>* StartNodeStream(RunTable& runs,
                                                                              Metrics& metrics,
                                                                              StreamLimit& limit);

}  // namespace lehr

#endif  // LEHR_SERVER_NODE_STREAM_H_
