#include "server/http/bearer_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/temporary_folder.h"

namespace lehr {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class BearerTokenTest : public testing::Test {
 protected:
  absl::StatusOr<BearerToken> Read(const std::string& contents) {
    std::ofstream(folder_.Path("token"), std::ios::binary) << contents;
    return BearerToken::Read(folder_.Path("token"));
  }

  TemporaryFolder folder_;
};

TEST_F(BearerTokenTest, IsTheFirstLineOfAFile) {
  for (const char* contents : {"0123456789abcdef", "0123456789abcdef\n", "0123456789abcdef\r\n",
                               "0123456789abcdef\nand what it is for\n"}) {
    const auto token = Read(contents);
    ASSERT_TRUE(token.ok()) << token.status();
    EXPECT_TRUE(token->IsIn("Bearer 0123456789abcdef")) << contents;
  }
}

TEST_F(BearerTokenTest, OnlyTheWholeTokenFits) {
  const auto token = Read("0123456789abcdef");
  ASSERT_TRUE(token.ok());
  EXPECT_TRUE(token->IsIn("bearer 0123456789abcdef"));
  for (const char* header : {"", "Bearer", "Bearer ", "0123456789abcdef", "Basic 0123456789abcdef",
                             "Bearer 0123456789abcde", "Bearer 0123456789abcdef0",
                             "Bearer 0123456789abcdeF", "Bearer  0123456789abcdef"}) {
    EXPECT_FALSE(token->IsIn(header)) << header;
  }
}

TEST_F(BearerTokenTest, RefusesWhatIsNoTokenWithoutTellingIt) {
  for (const std::string& contents :
       {std::string(), std::string("short"), std::string(513, 'a'),
        std::string("with spaces in between"), std::string("0123456789abcde\xff")}) {
    const absl::Status status = Read(contents).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(folder_.Path("token")));
    if (!contents.empty()) {
      EXPECT_THAT(std::string(status.message()), Not(HasSubstr(contents)));
    }
  }
  EXPECT_THAT(std::string(BearerToken::Read(folder_.Path("missing")).status().message()),
              HasSubstr(folder_.Path("missing")));
}

}  // namespace
}  // namespace lehr
