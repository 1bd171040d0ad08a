#include "server/relay/sidecar_service.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lehr/v1/runs.grpc.pb.h"
#include "lehr/v1/supervisor.grpc.pb.h"
#include "server/stream_limit.h"
#include "server/supervise_stream.h"

namespace lehr {
namespace {

grpc::Status NotHere(const Sidecar& sidecar) {
  return grpc::Status(
      grpc::StatusCode::UNIMPLEMENTED,
      absl::StrCat("this lehrd is a sidecar; ask the supervisor at ", sidecar.upstream()));
}

// Ends a call or stream with a status as soon as it begins.
template <typename Reactor>
class Ended final : public Reactor {
 public:
  explicit Ended(const grpc::Status& status) { this->Finish(status); }
  void OnDone() override { delete this; }
};

class SidecarService final : public v1::SupervisorService::CallbackService {
 public:
  SidecarService(Sidecar& sidecar, Metrics& metrics, uint32_t max_streams)
      : sidecar_(sidecar), metrics_(metrics), limit_(max_streams) {}

  grpc::ServerBidiReactor<v1::SuperviseRequest, v1::SuperviseResponse>* Supervise(
      grpc::CallbackServerContext*) override {
    return StartSuperviseStream(sidecar_, metrics_, limit_);
  }

  grpc::ServerBidiReactor<v1::RelayRequest, v1::RelayResponse>* Relay(
      grpc::CallbackServerContext*) override {
    return new Ended<grpc::ServerBidiReactor<v1::RelayRequest, v1::RelayResponse>>(
        NotHere(sidecar_));
  }

 private:
  Sidecar& sidecar_;
  Metrics& metrics_;
  StreamLimit limit_;
};

class NoRunsService final : public v1::RunsService::CallbackService {
 public:
  explicit NoRunsService(const Sidecar& sidecar) : sidecar_(sidecar) {}

  grpc::ServerUnaryReactor* ListRuns(grpc::CallbackServerContext*, const v1::ListRunsRequest*,
                                     v1::ListRunsResponse*) override {
    return Refused();
  }
  grpc::ServerUnaryReactor* GetRun(grpc::CallbackServerContext*, const v1::GetRunRequest*,
                                   v1::GetRunResponse*) override {
    return Refused();
  }
  grpc::ServerUnaryReactor* GetHistory(grpc::CallbackServerContext*, const v1::GetHistoryRequest*,
                                       v1::GetHistoryResponse*) override {
    return Refused();
  }
  grpc::ServerUnaryReactor* SetPolicy(grpc::CallbackServerContext*, const v1::SetPolicyRequest*,
                                      v1::SetPolicyResponse*) override {
    return Refused();
  }
  grpc::ServerUnaryReactor* StopActing(grpc::CallbackServerContext*, const v1::StopActingRequest*,
                                       v1::StopActingResponse*) override {
    return Refused();
  }
  grpc::ServerUnaryReactor* EndRun(grpc::CallbackServerContext*, const v1::EndRunRequest*,
                                   v1::EndRunResponse*) override {
    return Refused();
  }
  grpc::ServerWriteReactor<v1::WatchRunResponse>* WatchRun(grpc::CallbackServerContext*,
                                                           const v1::WatchRunRequest*) override {
    return new Ended<grpc::ServerWriteReactor<v1::WatchRunResponse>>(NotHere(sidecar_));
  }

 private:
  grpc::ServerUnaryReactor* Refused() const {
    return new Ended<grpc::ServerUnaryReactor>(NotHere(sidecar_));
  }

  const Sidecar& sidecar_;
};

}  // namespace

GrpcServer::Services SidecarServices(Sidecar& sidecar, Metrics& metrics, uint32_t max_streams) {
  GrpcServer::Services services;
  services.push_back(std::make_unique<SidecarService>(sidecar, metrics, max_streams));
  services.push_back(std::make_unique<NoRunsService>(sidecar));
  return services;
}

}  // namespace lehr
