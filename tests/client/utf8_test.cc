#include "client/utf8.h"

#include <gtest/gtest.h>

namespace lehr {
namespace {

TEST(Utf8, AcceptsTheEndsOfEachRange) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8(std::string_view("\x00\x7f", 2)));
  EXPECT_TRUE(IsUtf8("\xc2\x80\xdf\xbf"));                  // U+0080, U+07FF
  EXPECT_TRUE(IsUtf8("\xe0\xa0\x80\xed\x9f\xbf"));          // U+0800, U+D7FF
  EXPECT_TRUE(IsUtf8("\xee\x80\x80\xef\xbf\xbf"));          // U+E000, U+FFFF
  EXPECT_TRUE(IsUtf8("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));  // U+10000, U+10FFFF
}

TEST(Utf8, RefusesWhatIsJustBeyond) {
  EXPECT_FALSE(IsUtf8("\x80"));              // A continuation alone.
  EXPECT_FALSE(IsUtf8("\xc1\xbf"));          // Overlong U+007F.
  EXPECT_FALSE(IsUtf8("\xe0\x9f\xbf"));      // Overlong U+07FF.
  EXPECT_FALSE(IsUtf8("\xed\xa0\x80"));      // The surrogate U+D800.
  EXPECT_FALSE(IsUtf8("\xf0\x8f\xbf\xbf"));  // Overlong U+FFFF.
  EXPECT_FALSE(IsUtf8("\xf4\x90\x80\x80"));  // U+110000.
  EXPECT_FALSE(IsUtf8("\xf5\x80\x80\x80"));
  EXPECT_FALSE(IsUtf8("a\xe2\x82"));  // Cut short.
  EXPECT_FALSE(IsUtf8("\xe2\x82z"));
}

TEST(Utf8, CutsBetweenCharacters) {
  EXPECT_EQ(CutToUtf8("größe", 3), "gr");
  EXPECT_EQ(CutToUtf8("größe", 4), "grö");
  EXPECT_EQ(CutToUtf8("größe", 100), "größe");
  EXPECT_EQ(CutToUtf8("größe", 0), "");
}

TEST(Utf8, ReplacesWhatIsNotACharacter) { EXPECT_EQ(CutToUtf8("a\xff\xc3z", 100), "a??z"); }

}  // namespace
}  // namespace lehr
