#include "server/supervisor_service.h"

#include "server/node_stream.h"
#include "server/supervise_stream.h"

namespace lehr {

grpc::ServerBidiReactor<v1::SuperviseRequest, v1::SuperviseResponse>* SupervisorService::Supervise(
    grpc::CallbackServerContext*) {
  return StartSuperviseStream(ranks_, metrics_, limit_);
}

grpc::ServerBidiReactor<v1::RelayRequest, v1::RelayResponse>* SupervisorService::Relay(
    grpc::CallbackServerContext*) {
  return StartNodeStream(runs_, metrics_, limit_);
}

}  // namespace lehr
