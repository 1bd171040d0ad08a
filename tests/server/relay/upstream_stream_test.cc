#include "server/relay/upstream_stream.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/synchronization/notification.h"
#include "tests/taken_port.h"

namespace lehr {
namespace {

class Listener final : public UpstreamStream::Listener {
 public:
  void Received(v1::RelayResponse&) override {}
  void Ended(const absl::Status& status) override { status_ = status; }
  void Gone(std::shared_ptr<grpc::Channel> connection) override {
    connection_ = std::move(connection);
    gone_.Notify();
  }

  // Waits until nothing is left of the stream.
  absl::Status AwaitEnd() {
    EXPECT_TRUE(gone_.WaitForNotificationWithTimeout(absl::Seconds(60)));
    return status_;
  }

 private:
  absl::Status status_;
  std::shared_ptr<grpc::Channel> connection_;
  absl::Notification gone_;
};

v1::RelayRequest RequestOf(size_t bytes) {
  v1::RelayRequest request;
  request.mutable_report()->set_loss_statistics(std::string(bytes, 'x'));
  return request;
}

class UpstreamStreamTest : public ::testing::Test {
 protected:
  // It takes connections, and reads nothing.
  const TakenPort silent_;
  const SupervisorTarget target_ = {silent_.address(), grpc::InsecureChannelCredentials()};
  const std::shared_ptr<Listener> listener_ = std::make_shared<Listener>();
};

TEST_F(UpstreamStreamTest, IsGivenUpWhereTooManyBytesWait) {
  UpstreamStream* stream = UpstreamStream::Start(target_, listener_, /*max_bytes=*/2500);
  // One is on its way.
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(stream->Send(RequestOf(1000)));
  }
  EXPECT_FALSE(stream->Send(RequestOf(1000)));
  EXPECT_EQ(listener_->AwaitEnd().code(), absl::StatusCode::kCancelled);
}

TEST_F(UpstreamStreamTest, IsGivenUpWhereTooManyMessagesWait) {
  UpstreamStream* stream = UpstreamStream::Start(target_, listener_);
  for (size_t i = 0; i < kMaxUpstreamMessages + 1; ++i) {
    EXPECT_TRUE(stream->Send(RequestOf(1)));
  }
  EXPECT_FALSE(stream->Send(RequestOf(1)));
  EXPECT_EQ(listener_->AwaitEnd().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace lehr
