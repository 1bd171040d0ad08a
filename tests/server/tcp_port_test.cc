#include "server/tcp_port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/taken_port.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

TEST(BindTcpPort, TakesAFreePort) {
  EXPECT_TRUE(BindTcpPort("listen", {"127.0.0.1", 0}).ok());
  int port = 0;
  {
    const TakenPort taken;
    port = taken.port();
  }
  EXPECT_TRUE(BindTcpPort("listen", {"127.0.0.1", static_cast<uint16_t>(port)}).ok());
}

TEST(BindTcpPort, NamesATakenPortAndItsFlag) {
  const TakenPort taken;
  const absl::Status status = BindTcpPort("http", {"127.0.0.1", taken.port()}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(taken.address() + " (--http): Address"));
}

// An address of no interface here (TEST-NET-1; 2001:db8::/32).
TEST(BindTcpPort, NamesAForeignAddress) {
  EXPECT_THAT(std::string(BindTcpPort("listen", {"192.0.2.1", 7070}).status().message()),
              HasSubstr("192.0.2.1:7070"));
  EXPECT_THAT(std::string(BindTcpPort("listen", {"2001:db8::1", 7070}).status().message()),
              HasSubstr("[2001:db8::1]:7070"));
}

}  // namespace
}  // namespace lehr
