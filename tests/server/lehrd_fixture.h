// A whole lehrd inside a test, on a free port with a journal in a directory of its own, and ranks
// that speak to it over real gRPC.
#ifndef LEHR_TESTS_SERVER_LEHRD_FIXTURE_H_
#define LEHR_TESTS_SERVER_LEHRD_FIXTURE_H_

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lehr/v1/runs.grpc.pb.h"
#include "lehr/v1/supervisor.grpc.pb.h"
#include "server/grpc_server.h"
#include "server/journal/journal.h"
#include "server/metrics.h"
#include "server/supervisor.h"
#include "tests/server/join_of.h"

namespace lehr {

// One rank's stream. Every wait is bounded by the call's deadline.
class TestRank {
 public:
  TestRank(const std::shared_ptr<grpc::Channel>& channel, v1::Join join);
  // As above, with Welcome awaited.
  static std::unique_ptr<TestRank> Joined(const std::shared_ptr<grpc::Channel>& channel,
                                          v1::Join join);

  void Send(const v1::SuperviseRequest& request) { stream_->Write(request); }
  void Report(int64_t step, std::vector<float> losses, std::vector<uint64_t> example_ids = {});
  void Leave();
  // False: something else comes first, or the stream ends.
  bool AwaitWelcome();
  // The next response; nothing set if the stream has ended.
  v1::SuperviseResponse Next();
  v1::Decision NextDecision();
  // Ends the stream as a killed process would.
  void Vanish();
  // Half-closes and waits for the end.
  grpc::Status Finish();
  // Reads until the supervisor ends the stream.
  grpc::Status AwaitEnd();

  const v1::Welcome& welcome() const { return welcome_; }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<v1::SupervisorService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::SuperviseRequest, v1::SuperviseResponse>> stream_;
  v1::Welcome welcome_;
};

class LehrdTest : public ::testing::Test {
 protected:
  LehrdTest();
  ~LehrdTest() override;

  void Start(uint32_t max_streams = 64, uint32_t max_runs = 64);
  // As on SIGTERM.
  void Stop();
  // As on SIGKILL: what is not on the disk is lost.
  void Crash();

  // Two losses, 3 and 0, have M = 3, I = 1, T = 3: the noise is 3 with the default policy.
  static std::vector<float> HotLosses() { return {3, 0}; }

  std::unique_ptr<TestRank> Rank(const v1::Join& join) { return TestRank::Joined(channel_, join); }
  v1::Run DescribeRun(const std::string& run_id = "digits");
  std::vector<v1::HistoryEntry> History(const std::string& run_id = "digits");

  // Of the next Start. Longer than a test: only what is flushed survives a crash.
  absl::Duration commit_interval_ = absl::Milliseconds(5);
  // Where Start listens.
  Address listen_ = {"127.0.0.1", 0};
  // How to reach it.
  std::string address_;
  std::filesystem::path data_dir_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Supervisor> supervisor_;
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::RunsService::Stub> runs_;
};

}  // namespace lehr

#endif  // LEHR_TESTS_SERVER_LEHRD_FIXTURE_H_
