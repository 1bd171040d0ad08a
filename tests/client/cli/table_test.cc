#include "client/cli/table.h"

#include <gtest/gtest.h>

#include <sstream>

namespace lehr {
namespace {

std::string Text(const Table& table, bool bold_header = false) {
  std::ostringstream out;
  table.Print(out, bold_header);
  return out.str();
}

TEST(Table, NumbersAreRightAlignedAndTextIsLeft) {
  Table table({"RUN", "STEP", "POLICY"});
  table.AddRow({"a", "5", "x"});
  table.AddRow({"longer", "-", "yy"});
  table.AddRow({"b", "12345", "z"});
  EXPECT_EQ(Text(table),
            "RUN      STEP  POLICY\n"
            "a           5  x\n"
            "longer      -  yy\n"
            "b       12345  z\n");
}

TEST(Table, WidthsAreCharactersNotBytes) {
  Table table({"RUN", "X"});
  table.AddRow({"größe", "a"});
  table.AddRow({"abcde", "b"});
  EXPECT_EQ(Text(table), "RUN    X\ngröße  a\nabcde  b\n");
}

TEST(Table, TheHeaderMayBeBold) {
  Table table({"RUN"});
  table.AddRow({"a"});
  EXPECT_EQ(Text(table, /*bold_header=*/true), "\033[1mRUN\033[0m\na\n");
}

}  // namespace
}  // namespace lehr
