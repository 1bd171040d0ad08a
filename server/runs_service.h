// RunsService on gRPC.
#ifndef LEHR_SERVER_RUNS_SERVICE_H_
#define LEHR_SERVER_RUNS_SERVICE_H_

#include "lehr/v1/runs.grpc.pb.h"
#include "server/supervisor.h"

namespace lehr {

class RunsService final : public v1::RunsService::CallbackService {
 public:
  // The supervisor outlives the service.
  explicit RunsService(Supervisor& supervisor) : supervisor_(supervisor) {}

  grpc::ServerUnaryReactor* ListRuns(grpc::CallbackServerContext* context,
                                     const v1::ListRunsRequest* request,
                                     v1::ListRunsResponse* response) override;
  grpc::ServerUnaryReactor* GetRun(grpc::CallbackServerContext* context,
                                   const v1::GetRunRequest* request,
                                   v1::GetRunResponse* response) override;
  grpc::ServerUnaryReactor* GetHistory(grpc::CallbackServerContext* context,
                                       const v1::GetHistoryRequest* request,
                                       v1::GetHistoryResponse* response) override;
  grpc::ServerUnaryReactor* SetPolicy(grpc::CallbackServerContext* context,
                                      const v1::SetPolicyRequest* request,
                                      v1::SetPolicyResponse* response) override;
  grpc::ServerUnaryReactor* StopActing(grpc::CallbackServerContext* context,
                                       const v1::StopActingRequest* request,
                                       v1::StopActingResponse* response) override;
  grpc::ServerUnaryReactor* EndRun(grpc::CallbackServerContext* context,
                                   const v1::EndRunRequest* request,
                                   v1::EndRunResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchRunResponse>* WatchRun(
      grpc::CallbackServerContext* context, const v1::WatchRunRequest* request) override;

 private:
  Supervisor& supervisor_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_RUNS_SERVICE_H_
