// The calls of lehr.v1.RunsService against one supervisor, each bounded in time.
//
//   RunsClient client("127.0.0.1:7070");
//   absl::StatusOr<v1::GetRunResponse> run = client.Call(&RunsStub::GetRun, request);
//
// Errors: UNAVAILABLE where no supervisor answers, with the address; else what the supervisor said.
#ifndef LEHR_CLIENT_CLI_RUNS_CLIENT_H_
#define LEHR_CLIENT_CLI_RUNS_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/tls/tls_files.h"
#include "lehr/v1/runs.grpc.pb.h"

namespace lehr {

using RunsStub = v1::RunsService::Stub;

// A call that takes longer is given up.
inline constexpr absl::Duration kCallTimeout = absl::Seconds(10);

class RunsClient {
 public:
  // `address`: HOST:PORT. `tls` has passed CheckTlsFiles.
  RunsClient(std::string address, const TlsFiles& tls);

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (RunsStub::*method)(grpc::ClientContext*,
                                                                 const Request&, Response*),
                                const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
    Response response;
    absl::Status status = ToStatus(((*stub_).*method)(&context, request, &response));
    if (!status.ok()) {
      return status;
    }
    return response;
  }

  absl::StatusOr<v1::Run> GetRun(const std::string& run_id);
  // All pages in one.
  absl::StatusOr<v1::ListRunsResponse> ListRuns();

  // Until the run ends, for as long as that takes, or until `take` returns false.
  absl::Status Watch(const std::string& run_id,
                     const std::function<bool(const v1::WatchRunResponse&)>& take);

  // All recorded decisions that match, page after page; ends early if `take` returns false.
  absl::Status History(v1::GetHistoryRequest request,
                       const std::function<bool(const v1::HistoryEntry&)>& take);

 private:
  absl::Status ToStatus(const grpc::Status& status) const;

  const std::string address_;
  std::unique_ptr<RunsStub> stub_;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_CLI_RUNS_CLIENT_H_
