#include "server/grpc_server.h"

#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include "tests/server/lehrd_fixture.h"

namespace lehr {
namespace {

class GrpcServerTest : public LehrdTest {
 protected:
  // How a server answers a tool that asks for its services.
  grpc::StatusCode AskForServices(const GrpcServer& server) {
    const auto channel = grpc::CreateChannel(absl::StrCat("127.0.0.1:", server.port()),
                                             grpc::InsecureChannelCredentials());
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    grpc::CompletionQueue queue;
    grpc::GenericStub stub(channel);
    auto call = stub.PrepareCall(
        &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
    void* tag = nullptr;
    bool ok = false;
    call->StartCall(nullptr);
    queue.Next(&tag, &ok);
    call->WritesDone(nullptr);
    queue.Next(&tag, &ok);
    grpc::Status status;
    call->Finish(&status, nullptr);
    queue.Next(&tag, &ok);
    return status.error_code();
  }

  absl::StatusOr<std::unique_ptr<GrpcServer>> StartAnother(bool reflection) {
    return GrpcServer::Start(
        {.address = {"127.0.0.1", 0}, .memory_quota = 64 << 20, .reflection = reflection},
        *supervisor_, *metrics_);
  }
};

TEST_F(GrpcServerTest, ReflectsItsServicesOnlyIfAsked) {
  Start();
  EXPECT_EQ(AskForServices(**StartAnother(/*reflection=*/false)), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(AskForServices(**StartAnother(/*reflection=*/true)), grpc::StatusCode::OK);
  EXPECT_EQ(AskForServices(**StartAnother(/*reflection=*/false)), grpc::StatusCode::UNIMPLEMENTED);
}

}  // namespace
}  // namespace lehr
