#include "server/stable_digest.h"

#include <gtest/gtest.h>

namespace lehr {
namespace {

// From the test suite of FNV's authors (Fowler, Noll, Vo; test_fnv.c).
TEST(StableDigest, IsFnv1a) {
  EXPECT_EQ(StableDigest(""), 0xcbf29ce484222325u);
  EXPECT_EQ(StableDigest("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(StableDigest("foobar"), 0x85944171f73967e8u);
}

}  // namespace
}  // namespace lehr
