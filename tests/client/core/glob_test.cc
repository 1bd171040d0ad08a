#include "client/core/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace lehr {
namespace {

TEST(GlobTest, APlainPatternMatchesOnlyItself) {
  EXPECT_TRUE(GlobMatches("layers.0.weight", "layers.0.weight"));
  EXPECT_FALSE(GlobMatches("layers.0.weight", "layers.0.weights"));
  EXPECT_FALSE(GlobMatches("layers.0.weight", "layers.0.weigh"));
  EXPECT_FALSE(GlobMatches("layers.0.weight", "layers-0-weight"));
}

TEST(GlobTest, AStarMatchesAnyBytesAlsoNoneAndDots) {
  EXPECT_TRUE(GlobMatches("*", ""));
  EXPECT_TRUE(GlobMatches("layers.*.weight", "layers.0.attention.weight"));
  EXPECT_TRUE(GlobMatches("*weight", "weight"));
  EXPECT_TRUE(GlobMatches("weight**", "weight"));
  EXPECT_FALSE(GlobMatches("layers.*.weight", "layers.weight"));
}

TEST(GlobTest, AQuestionMarkMatchesExactlyOneByte) {
  EXPECT_TRUE(GlobMatches("layers.?.weight", "layers.7.weight"));
  EXPECT_FALSE(GlobMatches("layers.?.weight", "layers.10.weight"));
  EXPECT_FALSE(GlobMatches("a?", "a"));
}

// The first place where the part behind a star fits need not be the right one.
TEST(GlobTest, AStarGivesBytesBackAfterAMismatch) {
  EXPECT_TRUE(GlobMatches("*.bias", "a.bias.b.bias"));
  EXPECT_TRUE(GlobMatches("*ab*ac", "ababaabac"));
  EXPECT_FALSE(GlobMatches("*ab*ac", "ababaabad"));
}

// Doubles its time with each star where the matcher backtracks over all of them.
TEST(GlobTest, ManyStarsDoNotExplode) {
  std::string pattern;
  for (int i = 0; i < 40; ++i) {
    pattern += "a*";
  }
  EXPECT_FALSE(GlobMatches(pattern + "b", std::string(200, 'a')));
}

TEST(GlobTest, AnEmptyPatternMatchesOnlyNothing) {
  EXPECT_TRUE(GlobMatches("", ""));
  EXPECT_FALSE(GlobMatches("", "a"));
}

}  // namespace
}  // namespace lehr
