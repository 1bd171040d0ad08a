#include "server/tcp_acceptor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tests/taken_port.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEHR_CLANG_ASAN
#endif
#endif

namespace lehr {
namespace {

using ::testing::HasSubstr;

class TcpAcceptorTest : public ::testing::Test {
 protected:
  void Start(int end_of_descriptors) {
    auto acceptor = TcpAcceptor::Start({.address = {"127.0.0.1", 0},
                                        .end_of_descriptors = end_of_descriptors,
                                        .peer_timeout = absl::Seconds(7),
                                        .take = [this](int connection, int) {
                                          absl::MutexLock lock(&mutex_);
                                          taken_.emplace_back(connection);
                                        }});
    ASSERT_TRUE(acceptor.ok()) << acceptor.status();
    acceptor_ = *std::move(acceptor);
  }
  // Takes no descriptor.
  void Connect(const FileDescriptor& peer) const {
    sockaddr_in name = {};
    name.sin_family = AF_INET;
    name.sin_port = htons(acceptor_->port());
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(peer.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
  }
  // Waits for the number of connections that were taken.
  void AwaitTaken(size_t number) {
    absl::MutexLock lock(&mutex_);
    const auto are_taken = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return taken_.size() >= number; };
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&are_taken), absl::Seconds(60)));
    EXPECT_EQ(taken_.size(), number);
  }
  size_t Taken() {
    absl::MutexLock lock(&mutex_);
    return taken_.size();
  }
  int Option(int name) {
    absl::MutexLock lock(&mutex_);
    int value = 0;
    socklen_t size = sizeof(value);
    getsockopt(taken_.at(0).get(), IPPROTO_TCP, name, &value, &size);
    return value;
  }
  void CloseTaken() {
    absl::MutexLock lock(&mutex_);
    taken_.clear();
  }

  absl::Mutex mutex_;
  std::vector<FileDescriptor> taken_ ABSL_GUARDED_BY(mutex_);
  // The first to go: its thread takes connections.
  std::unique_ptr<TcpAcceptor> acceptor_;
};

FileDescriptor Socket() { return FileDescriptor(socket(AF_INET, SOCK_STREAM, 0)); }

bool IsClosedByTheOther(const FileDescriptor& peer) {
  char byte;
  return recv(peer.get(), &byte, 1, 0) <= 0;
}

TEST_F(TcpAcceptorTest, HandsOverConnectionsThatSendAtOnceAndTimeOut) {
  Start(std::numeric_limits<int>::max());
  const FileDescriptor one = Socket();
  const FileDescriptor two = Socket();
  Connect(one);
  Connect(two);
  AwaitTaken(2);
  EXPECT_EQ(Option(TCP_NODELAY), 1);
  EXPECT_EQ(Option(TCP_USER_TIMEOUT), 7000);
}

TEST_F(TcpAcceptorTest, ClosesWhatWouldTakeTheLastDescriptors) {
  const std::array<FileDescriptor, 3> peers = {Socket(), Socket(), Socket()};
  const int next = Socket().get();
  // The listener's, and one connection's.
  Start(/*end_of_descriptors=*/next + 2);
  Connect(peers[0]);
  AwaitTaken(1);
  Connect(peers[1]);
  EXPECT_TRUE(IsClosedByTheOther(peers[1]));
  CloseTaken();
  Connect(peers[2]);
  AwaitTaken(1);
}

// What is written to stderr meanwhile, to be read without another descriptor.
class CapturedStderr {
 public:
  CapturedStderr() {
    EXPECT_EQ(pipe(ends_), 0);
    dup2(ends_[1], STDERR_FILENO);
  }
  ~CapturedStderr() {
    dup2(before_, STDERR_FILENO);
    for (const int descriptor : {before_, ends_[0], ends_[1]}) {
      close(descriptor);
    }
  }
  void Await(const std::string& words) {
    std::string written;
    char byte;
    while (written.find(words) == std::string::npos && read(ends_[0], &byte, 1) == 1) {
      written += byte;
    }
  }

 private:
  const int before_ = dup(STDERR_FILENO);
  int ends_[2];
};

TEST_F(TcpAcceptorTest, AcceptsAgainAfterItHadNoDescriptorLeft) {
#ifdef LEHR_CLANG_ASAN
  GTEST_SKIP()
      << "UBSan's look at a virtual table opens a pipe, and calls it a fault that it cannot";
#endif
  Start(std::numeric_limits<int>::max());
  CapturedStderr log;
  const FileDescriptor peer = Socket();
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit before = limit;
  limit.rlim_cur = static_cast<rlim_t>(peer.get()) + 1;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  Connect(peer);
  log.Await("connections cannot be accepted");
  EXPECT_EQ(Taken(), 0u);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  AwaitTaken(1);
}

TEST_F(TcpAcceptorTest, NamesAnAddressThatIsTaken) {
  const TakenPort taken;
  const auto acceptor = TcpAcceptor::Start({.address = {"127.0.0.1", taken.port()}});
  EXPECT_EQ(acceptor.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(acceptor.status().message()), HasSubstr(taken.address()));
}

}  // namespace
}  // namespace lehr
