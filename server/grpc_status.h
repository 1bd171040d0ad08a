// The one place where our statuses become gRPC's: the codes are the same numbers by design.
#ifndef LEHR_SERVER_GRPC_STATUS_H_
#define LEHR_SERVER_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"

namespace lehr {

inline grpc::Status ToGrpcStatus(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

}  // namespace lehr

#endif  // LEHR_SERVER_GRPC_STATUS_H_
