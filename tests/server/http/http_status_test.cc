#include "server/http/http_status.h"

#include <gtest/gtest.h>

namespace lehr {
namespace {

// Expected: the comments of googleapis' google/rpc/code.proto.
TEST(HttpStatusTest, FollowsTheCommonMapping) {
  EXPECT_EQ(HttpCode(absl::StatusCode::kOk), 200);
  EXPECT_EQ(HttpCode(absl::StatusCode::kInvalidArgument), 400);
  EXPECT_EQ(HttpCode(absl::StatusCode::kFailedPrecondition), 400);
  EXPECT_EQ(HttpCode(absl::StatusCode::kOutOfRange), 400);
  EXPECT_EQ(HttpCode(absl::StatusCode::kUnauthenticated), 401);
  EXPECT_EQ(HttpCode(absl::StatusCode::kPermissionDenied), 403);
  EXPECT_EQ(HttpCode(absl::StatusCode::kNotFound), 404);
  EXPECT_EQ(HttpCode(absl::StatusCode::kAlreadyExists), 409);
  EXPECT_EQ(HttpCode(absl::StatusCode::kAborted), 409);
  EXPECT_EQ(HttpCode(absl::StatusCode::kResourceExhausted), 429);
  EXPECT_EQ(HttpCode(absl::StatusCode::kCancelled), 499);
  EXPECT_EQ(HttpCode(absl::StatusCode::kUnknown), 500);
  EXPECT_EQ(HttpCode(absl::StatusCode::kInternal), 500);
  EXPECT_EQ(HttpCode(absl::StatusCode::kDataLoss), 500);
  EXPECT_EQ(HttpCode(absl::StatusCode::kUnimplemented), 501);
  EXPECT_EQ(HttpCode(absl::StatusCode::kUnavailable), 503);
  EXPECT_EQ(HttpCode(absl::StatusCode::kDeadlineExceeded), 504);
}

}  // namespace
}  // namespace lehr
