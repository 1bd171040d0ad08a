// A real gRPC server with a RunsService over a few recorded runs, for the tests of `lehr`.
#ifndef LEHR_TESTS_CLIENT_CLI_RECORDED_RUNS_H_
#define LEHR_TESTS_CLIENT_CLI_RECORDED_RUNS_H_

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lehr/v1/runs.grpc.pb.h"

namespace lehr {

// The run `id` after 3 steps: the first two without noise, the last with noise of 0.125.
v1::Run MakeRun(const std::string& id);
v1::HistoryEntry MakeEntry(int64_t step);

class RecordedRuns final : public v1::RunsService::Service {
 public:
  RecordedRuns();
  ~RecordedRuns() override;

  // Of the form HOST:PORT.
  const std::string& address() const { return address_; }

  std::map<std::string, v1::Run> runs;
  // Of each run; served in pages of two.
  std::vector<v1::HistoryEntry> history;
  // What WatchRun sends, and how it then ends.
  std::vector<v1::WatchRunResponse> watched;
  grpc::Status watch_end;
  bool acting_stopped = false;

 private:
  grpc::Status ListRuns(grpc::ServerContext*, const v1::ListRunsRequest* request,
                        v1::ListRunsResponse* response) override;
  grpc::Status GetRun(grpc::ServerContext*, const v1::GetRunRequest* request,
                      v1::GetRunResponse* response) override;
  grpc::Status WatchRun(grpc::ServerContext*, const v1::WatchRunRequest* request,
                        grpc::ServerWriter<v1::WatchRunResponse>* writer) override;
  grpc::Status GetHistory(grpc::ServerContext*, const v1::GetHistoryRequest* request,
                          v1::GetHistoryResponse* response) override;
  grpc::Status SetPolicy(grpc::ServerContext*, const v1::SetPolicyRequest* request,
                         v1::SetPolicyResponse* response) override;
  grpc::Status StopActing(grpc::ServerContext*, const v1::StopActingRequest* request,
                          v1::StopActingResponse* response) override;
  grpc::Status EndRun(grpc::ServerContext*, const v1::EndRunRequest* request,
                      v1::EndRunResponse* response) override;
  grpc::Status Known(const std::string& run_id) const;

  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace lehr

#endif  // LEHR_TESTS_CLIENT_CLI_RECORDED_RUNS_H_
