#include "server/grpc_log.h"

#include <grpc/support/log.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "server/log.h"

namespace lehr {
namespace {

// In a process of its own: where gRPC's messages go is set for good.
TEST(GrpcLogDeathTest, ItsErrorsAreWarningsThatStayOneLineOfJson) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        StartLogging(LogLevel::kInfo, LogFormat::kJson);
        LogWhatGrpcSays();
        gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
        gpr_log(GPR_ERROR, "port %d\nis \"taken\"", 7);
        std::exit(0);
      },
      ::testing::ExitedWithCode(0),
      R"("level":"warning","msg":"gRPC","says":"port 7\\nis \\"taken\\"")");
}

}  // namespace
}  // namespace lehr
