#include "trainer/csv_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Record = std::vector<std::string>;

// All records, or nothing but the error's message.
std::vector<Record> Split(std::string_view text) {
  CsvRecords records(text);
  std::vector<Record> all;
  Record fields;
  while (true) {
    const absl::StatusOr<bool> more = records.Next(fields);
    if (!more.ok()) {
      return {{std::string(more.status().message())}};
    }
    if (!*more) {
      return all;
    }
    all.push_back(fields);
  }
}

TEST(CsvRecords, AnEmptyTextHasNoRecords) { EXPECT_THAT(Split(""), IsEmpty()); }

TEST(CsvRecords, SplitsAtCommasAndLineBreaks) {
  EXPECT_THAT(Split("a,b\nc,d\n"), ElementsAre(Record{"a", "b"}, Record{"c", "d"}));
}

TEST(CsvRecords, TheLastLineNeedsNoLineBreak) {
  EXPECT_THAT(Split("a,b\nc,d"), ElementsAre(Record{"a", "b"}, Record{"c", "d"}));
}

TEST(CsvRecords, TakesWindowsLineBreaks) {
  EXPECT_THAT(Split("a,b\r\nc,d\r\n"), ElementsAre(Record{"a", "b"}, Record{"c", "d"}));
}

TEST(CsvRecords, KeepsEmptyFields) {
  EXPECT_THAT(Split(",a,,\n"), ElementsAre(Record{"", "a", "", ""}));
}

TEST(CsvRecords, SkipsEmptyLines) {
  EXPECT_THAT(Split("\n\na\n\n\nb\n\n"), ElementsAre(Record{"a"}, Record{"b"}));
}

TEST(CsvRecords, QuotedFieldsHoldCommasQuotesAndLineBreaks) {
  EXPECT_THAT(Split("\"a,\"\"b\"\"\nc\",d\n"), ElementsAre(Record{"a,\"b\"\nc", "d"}));
}

TEST(CsvRecords, AnEmptyQuotedFieldIsEmpty) {
  EXPECT_THAT(Split("\"\",a"), ElementsAre(Record{"", "a"}));
}

TEST(CsvRecords, SkipsAByteOrderMark) {
  EXPECT_THAT(Split("\xEF\xBB\xBF"
                    "a,b"),
              ElementsAre(Record{"a", "b"}));
}

TEST(CsvRecords, NamesTheLineOfAQuoteThatDoesNotEnd) {
  EXPECT_THAT(Split("a\n\"b\nc\nd"), ElementsAre(Record{"line 2: a quote does not end"}));
}

TEST(CsvRecords, NamesTheLineOfTextAfterAQuote) {
  EXPECT_THAT(Split("a\n\"b\"c"), ElementsAre(Record{"line 2: text follows a quoted field"}));
}

TEST(CsvRecords, CountsTheLinesWithinQuotesAndBetweenRecords) {
  CsvRecords records("\"a\nb\"\n\nc\n");
  Record fields;
  ASSERT_TRUE(records.Next(fields).value());
  EXPECT_EQ(records.line(), 1);
  ASSERT_TRUE(records.Next(fields).value());
  EXPECT_EQ(records.line(), 4);
}

}  // namespace
}  // namespace lehr
