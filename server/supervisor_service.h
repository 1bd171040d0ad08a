// SupervisorService of a supervisor: streams of ranks, and of sidecars for the ranks of a node.
#ifndef LEHR_SERVER_SUPERVISOR_SERVICE_H_
#define LEHR_SERVER_SUPERVISOR_SERVICE_H_

#include <cstdint>

#include "lehr/v1/supervisor.grpc.pb.h"
#include "server/metrics.h"
#include "server/stream_limit.h"
#include "server/supervised_ranks.h"
#include "server/supervisor.h"

namespace lehr {

class SupervisorService final : public v1::SupervisorService::CallbackService {
 public:
  // At most `max_streams` ranks and sidecars at a time, ranks behind sidecars included; one more is
  // refused with RESOURCE_EXHAUSTED. The supervisor and the metrics outlive the service.
  SupervisorService(Supervisor& supervisor, Metrics& metrics, uint32_t max_streams)
      : runs_(supervisor.runs()),
        metrics_(metrics),
        ranks_(supervisor.runs(), metrics),
        limit_(max_streams) {}

  grpc::ServerBidiReactor<v1::SuperviseRequest, v1::SuperviseResponse>* Supervise(
      grpc::CallbackServerContext* context) override;
  grpc::ServerBidiReactor<v1::RelayRequest, v1::RelayResponse>* Relay(
      grpc::CallbackServerContext* context) override;

 private:
  RunTable& runs_;
  Metrics& metrics_;
  SupervisedRanks ranks_;
  StreamLimit limit_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_SUPERVISOR_SERVICE_H_
