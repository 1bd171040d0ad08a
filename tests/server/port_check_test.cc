#include "server/port_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/taken_port.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

TEST(CheckPortIsFree, SaysNothingOfAFreePort) {
  EXPECT_TRUE(CheckPortIsFree("listen", {"127.0.0.1", 0}).ok());
  int port = 0;
  {
    const TakenPort taken;
    port = taken.port();
  }
  EXPECT_TRUE(CheckPortIsFree("listen", {"127.0.0.1", static_cast<uint16_t>(port)}).ok());
}

TEST(CheckPortIsFree, NamesATakenPortAndItsFlag) {
  const TakenPort taken;
  const absl::Status status = CheckPortIsFree("http", {"127.0.0.1", taken.port()});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(taken.address() + " (--http): Address"));
}

// An address of no interface here (TEST-NET-1; 2001:db8::/32).
TEST(CheckPortIsFree, NamesAForeignAddress) {
  EXPECT_THAT(std::string(CheckPortIsFree("listen", {"192.0.2.1", 7070}).message()),
              HasSubstr("192.0.2.1:7070"));
  EXPECT_THAT(std::string(CheckPortIsFree("listen", {"2001:db8::1", 7070}).message()),
              HasSubstr("[2001:db8::1]:7070"));
}

}  // namespace
}  // namespace lehr
