#include "server/http/query_string.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lehr/v1/runs.pb.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

v1::GetHistoryRequest Filled(std::string_view query) {
  v1::GetHistoryRequest request;
  const absl::Status status = FillFromQuery(query, request);
  EXPECT_TRUE(status.ok()) << status;
  return request;
}

std::string Error(std::string_view query) {
  v1::GetHistoryRequest request;
  return std::string(FillFromQuery(query, request).message());
}

TEST(QueryStringTest, SetsFieldsOfEveryType) {
  const v1::GetHistoryRequest request = Filled(
      "generation=18446744073709551615&from_step=-9223372036854775808&page_size=4294967295&"
      "page_token=next&only_commands=true");
  EXPECT_EQ(request.generation(), 18446744073709551615u);
  EXPECT_EQ(request.from_step(), -9223372036854775807 - 1);
  EXPECT_EQ(request.page_size(), 4294967295u);
  EXPECT_EQ(request.page_token(), "next");
  EXPECT_TRUE(request.only_commands());
}

TEST(QueryStringTest, MayBeEmpty) { EXPECT_EQ(Filled("").ByteSizeLong(), 0u); }

TEST(QueryStringTest, DecodesEscapes) {
  EXPECT_EQ(Filled("page%5ftoken=a%2Fb+c%25").page_token(), "a/b c%");
}

TEST(QueryStringTest, KeepsEqualsSignsOfTheValue) {
  EXPECT_EQ(Filled("page_token=YQ==").page_token(), "YQ==");
}

TEST(QueryStringTest, RefusesBrokenEscapes) {
  for (const char* query : {"page_token=%", "page_token=%2", "page_token=%zz", "page_token=%-1"}) {
    EXPECT_THAT(Error(query), HasSubstr("a % escape is broken")) << query;
  }
}

TEST(QueryStringTest, RefusesNamesThatAreNoField) {
  EXPECT_EQ(Error("page_siez=5"), "query page_siez=5: there is no page_siez");
}

TEST(QueryStringTest, RefusesAFieldGivenTwice) {
  EXPECT_THAT(Error("page_size=0&page_size=0"), HasSubstr("page_size is set twice"));
}

// Or "?run_id=other" would answer about another run than the path names.
TEST(QueryStringTest, RefusesAFieldThatIsSetAlready) {
  v1::GetHistoryRequest request;
  request.set_run_id("xor");
  EXPECT_FALSE(FillFromQuery("run_id=other", request).ok());
  EXPECT_EQ(request.run_id(), "xor");
}

TEST(QueryStringTest, RefusesValuesThatTheFieldCannotHold) {
  EXPECT_EQ(Error("page_size=-1"), "page_size=-1: not a whole number from 0 to 4294967295");
  EXPECT_THAT(Error("page_size=4294967296"), HasSubstr("page_size=4294967296"));
  EXPECT_THAT(Error("generation=x"), HasSubstr("generation=x"));
  EXPECT_THAT(Error("from_step="), HasSubstr("from_step="));
  EXPECT_THAT(Error("from_step=1.5"), HasSubstr("from_step=1.5"));
  EXPECT_EQ(Error("only_commands=1"), "only_commands=1: not true or false");
}

TEST(QueryStringTest, RefusesFieldsThatNoQueryCanHold) {
  v1::Run run;
  EXPECT_FALSE(FillFromQuery("observation=1", run).ok());
  EXPECT_FALSE(FillFromQuery("labels=1", run).ok());
}

}  // namespace
}  // namespace lehr
