// A supervisor and sidecars of it inside a test, each behind real gRPC on a socket of its own that
// it finds again after a restart.
#ifndef LEHR_TESTS_SERVER_RELAY_RELAY_FIXTURE_H_
#define LEHR_TESTS_SERVER_RELAY_RELAY_FIXTURE_H_

#include <unistd.h>

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/relay/sidecar.h"
#include "server/relay/sidecar_service.h"
#include "tests/server/lehrd_fixture.h"

namespace lehr {

class TestSidecar {
 public:
  TestSidecar(const Address& address, const std::string& upstream, uint32_t max_streams = 64)
      : metrics_(/*max_run_series=*/0),
        sidecar_(std::make_unique<Sidecar>(
            SupervisorTarget{upstream, grpc::InsecureChannelCredentials()}, metrics_)) {
    auto server = GrpcServer::Start({.address = address, .memory_quota = 64 << 20},
                                    SidecarServices(*sidecar_, metrics_, max_streams));
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel(address.ToString(), grpc::InsecureChannelCredentials());
  }
  // All calls are cut.
  ~TestSidecar() { server_.reset(); }
  // As on SIGTERM.
  void Stop() {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    sidecar_->BeginShutdown();
    server_->Shutdown(deadline);
    sidecar_->Drain(deadline);
  }

  std::unique_ptr<TestRank> Rank(const v1::Join& join) { return TestRank::Joined(channel_, join); }
  // Tries until the supervisor answers through the sidecar.
  std::unique_ptr<TestRank> RankAtLast(const v1::Join& join) {
    for (const absl::Time end = absl::Now() + absl::Seconds(60); absl::Now() < end;) {
      auto rank = std::make_unique<TestRank>(channel_, join);
      if (rank->AwaitWelcome()) {
        return rank;
      }
      EXPECT_EQ(rank->AwaitEnd().error_code(), grpc::StatusCode::UNAVAILABLE);
    }
    ADD_FAILURE() << "the supervisor does not come back";
    return nullptr;
  }

  Sidecar& sidecar() { return *sidecar_; }
  Metrics& metrics() { return metrics_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  Metrics metrics_;
  std::unique_ptr<Sidecar> sidecar_;
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

class RelayTest : public LehrdTest {
 protected:
  static constexpr uint16_t kSupervisorPort = 7070;
  static constexpr uint16_t kSidecarPort = 7071;

  RelayTest() { listen_ = OwnAddress(kSupervisorPort); }

  // Of a host that is this process's alone: nobody takes the port while its server is down.
  static Address OwnAddress(uint16_t port) {
    const int process = getpid();
    return {.host = absl::StrCat("127.", 64 + (process >> 16) % 64, ".", (process >> 8) % 256, ".",
                                 process % 256),
            .port = port};
  }
  std::unique_ptr<TestSidecar> StartSidecar(uint16_t port = kSidecarPort) const {
    return std::make_unique<TestSidecar>(OwnAddress(port), listen_.ToString());
  }
  // After a crash: nothing of the journal is left.
  void LoseTheDisk() const {
    for (const auto& entry : std::filesystem::directory_iterator(data_dir_)) {
      std::filesystem::remove_all(entry.path());
    }
  }
  // Waits until the run is as `is_so` says.
  template <typename Condition>
  void AwaitRun(Condition is_so) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
    v1::WatchRunRequest request;
    request.set_run_id("digits");
    auto watch = runs_->WatchRun(&context, request);
    v1::WatchRunResponse response;
    while (watch->Read(&response)) {
      if (response.has_run() && is_so(response.run())) {
        context.TryCancel();
        return;
      }
    }
    ADD_FAILURE() << "the run does not become so: " << DescribeRun().ShortDebugString();
  }
  // Waits until the supervisor has had this many messages with losses from sidecars.
  void AwaitNodeReports(int reports) const {
    const std::string line = absl::StrCat("\nlehr_node_reports_total ", reports, "\n");
    const absl::Time end = absl::Now() + absl::Seconds(60);
    while (!absl::StrContains(metrics_->Serialize(), line)) {
      ASSERT_LT(absl::Now(), end);
      absl::SleepFor(absl::Milliseconds(1));
    }
  }
  void AwaitConnected(uint32_t ranks) {
    AwaitRun([=](const v1::Run& run) { return run.connected() == ranks; });
  }
};

}  // namespace lehr

#endif  // LEHR_TESTS_SERVER_RELAY_RELAY_FIXTURE_H_
