// gRPC's own messages as records of our log, so that every line on stderr can be parsed.
#ifndef LEHR_SERVER_GRPC_LOG_H_
#define LEHR_SERVER_GRPC_LOG_H_

namespace lehr {

// For the whole process. Call after StartLogging and before gRPC is used. gRPC's errors become
// warnings: it calls many things errors that it recovers from, and lehrd reports what it does not.
void LogWhatGrpcSays();

}  // namespace lehr

#endif  // LEHR_SERVER_GRPC_LOG_H_
