#include "client/core/philox.h"

#include <gtest/gtest.h>

#include "tests/client/core/golden_vectors.h"

namespace lehr {
namespace {

TEST(PhiloxTest, GivesTheKnownAnswersOfRandom123) {
  for (const GoldenRow& row : ReadGolden("random123.csv")) {
    const PhiloxBlock block = Philox4x32({row.Bits("counter_0"), row.Bits("counter_1"),
                                          row.Bits("counter_2"), row.Bits("counter_3")},
                                         {row.Bits("key_0"), row.Bits("key_1")});
    const PhiloxBlock known = {row.Bits("word_0"), row.Bits("word_1"), row.Bits("word_2"),
                               row.Bits("word_3")};
    EXPECT_EQ(block, known) << row.Text("counter_0");
  }
}

}  // namespace
}  // namespace lehr
