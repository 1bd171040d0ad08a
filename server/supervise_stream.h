// One rank's stream on gRPC: the reactor between the wire and what stands behind it.
#ifndef LEHR_SERVER_SUPERVISE_STREAM_H_
#define LEHR_SERVER_SUPERVISE_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include "lehr/v1/supervisor.pb.h"
#include "server/metrics.h"
#include "server/rank_host.h"
#include "server/stream_limit.h"

namespace lehr {

// Deletes itself when the stream is done. A stream beyond `limit` is refused with
// RESOURCE_EXHAUSTED. All arguments outlive it.
grpc::ServerBidiReactor<v1::SuperviseRequest, v1::SuperviseResponse>* StartSuperviseStream(
    RankHost& ranks, Metrics& metrics, StreamLimit& limit);

}  // namespace lehr

#endif  // LEHR_SERVER_SUPERVISE_STREAM_H_
