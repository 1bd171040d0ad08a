#include "server/options/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lehr {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(std::string_view text) {
  return std::string(ParseAddress(text).status().message());
}

TEST(AddressTest, ReadsIpv4) {
  EXPECT_EQ(*ParseAddress("10.1.2.3:7070"), (Address{"10.1.2.3", 7070}));
}

TEST(AddressTest, ReadsIpv6AndWritesItShort) {
  EXPECT_EQ(ParseAddress("[0:0:0:0:0:0:0:1]:65535")->ToString(), "[::1]:65535");
}

TEST(AddressTest, ReadsLocalhostAsLoopback) {
  EXPECT_EQ(ParseAddress("localhost:0")->ToString(), "127.0.0.1:0");
}

TEST(AddressTest, RefusesAMissingPort) {
  EXPECT_THAT(ErrorOf("127.0.0.1"), HasSubstr("not of the form HOST:PORT"));
}

TEST(AddressTest, RefusesPortsOutOfRange) {
  for (const char* text : {"127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:", "127.0.0.1:80x"}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr("the port")) << text;
  }
}

TEST(AddressTest, RefusesHostsThatAreNoAddress) {
  for (const char* text : {":80", "example.org:80", "1.2.3:80", "256.1.1.1:80", "[]:80", "::1:80",
                           "[127.0.0.1]:80", "[::1%lo]:80"}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr("the host")) << text;
  }
}

TEST(AddressTest, KnowsLoopback) {
  EXPECT_TRUE(ParseAddress("127.8.8.8:1")->IsLoopback());
  EXPECT_TRUE(ParseAddress("[::1]:1")->IsLoopback());
  EXPECT_FALSE(ParseAddress("0.0.0.0:1")->IsLoopback());
  EXPECT_FALSE(ParseAddress("[::]:1")->IsLoopback());
  EXPECT_FALSE(ParseAddress("192.168.0.1:1")->IsLoopback());
}

TEST(AddressTest, CollidesWithTheSamePortOfTheSameHost) {
  EXPECT_TRUE(ParseAddress("127.0.0.1:5")->CollidesWith(*ParseAddress("localhost:5")));
  EXPECT_FALSE(ParseAddress("127.0.0.1:5")->CollidesWith(*ParseAddress("127.0.0.1:6")));
  EXPECT_FALSE(ParseAddress("127.0.0.1:5")->CollidesWith(*ParseAddress("127.0.0.2:5")));
}

TEST(AddressTest, CollidesWithTheSamePortOfAllHosts) {
  EXPECT_TRUE(ParseAddress("127.0.0.1:5")->CollidesWith(*ParseAddress("0.0.0.0:5")));
  EXPECT_TRUE(ParseAddress("[::]:5")->CollidesWith(*ParseAddress("127.0.0.1:5")));
}

// The system gives two different ports.
TEST(AddressTest, FreePortsDoNotCollide) {
  EXPECT_FALSE(ParseAddress("127.0.0.1:0")->CollidesWith(*ParseAddress("127.0.0.1:0")));
}

}  // namespace
}  // namespace lehr
