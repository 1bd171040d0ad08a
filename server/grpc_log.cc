#include "server/grpc_log.h"

#include <grpc/support/log.h>

#include "server/log.h"

namespace lehr {
namespace {

void Log(gpr_log_func_args* record) {
  if (record->severity == GPR_LOG_SEVERITY_ERROR) {
    LogWarning("gRPC", {{"says", record->message}});
  } else {
    LogDebug("gRPC", {{"says", record->message}});
  }
}

}  // namespace

void LogWhatGrpcSays() { gpr_set_log_function(Log); }

}  // namespace lehr
