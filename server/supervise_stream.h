// SupervisorService on gRPC: one reactor a stream, between the wire and the supervisor.
#ifndef LEHR_SERVER_SUPERVISE_STREAM_H_
#define LEHR_SERVER_SUPERVISE_STREAM_H_

#include <atomic>
#include <cstdint>

#include "lehr/v1/supervisor.grpc.pb.h"
#include "server/supervisor.h"

namespace lehr {

class SupervisorService final : public v1::SupervisorService::CallbackService {
 public:
  // At most `max_streams` ranks at a time; one more is refused with RESOURCE_EXHAUSTED. The
  // supervisor and the metrics outlive the service.
  SupervisorService(Supervisor& supervisor, Metrics& metrics, uint32_t max_streams)
      : supervisor_(supervisor), metrics_(metrics), max_streams_(max_streams) {}

  grpc::ServerBidiReactor<v1::SuperviseRequest, v1::SuperviseResponse>* Supervise(
      grpc::CallbackServerContext* context) override;

 private:
  Supervisor& supervisor_;
  Metrics& metrics_;
  const uint32_t max_streams_;
  std::atomic<uint32_t> streams_ = 0;
};

}  // namespace lehr

#endif  // LEHR_SERVER_SUPERVISE_STREAM_H_
