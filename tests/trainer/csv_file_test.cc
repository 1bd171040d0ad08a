#include "trainer/csv_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/temporary_folder.h"
#include "tests/trainer/write_gzip.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StrEq;

absl::StatusOr<LabelledCsv> Read(const std::string& content, const std::string& label_column) {
  const TemporaryFolder folder;
  return ReadLabelledCsv(folder.Write("data.csv", content), label_column);
}

TEST(ReadLabelledCsv, TakesTheLabelColumnByName) {
  const auto csv = Read("x,kind,y\n1,cat,2\n3,ant,4.5\n-1e3,cat,+0\n", "kind");
  ASSERT_TRUE(csv.ok()) << csv.status();
  EXPECT_EQ(csv->features, 2);
  EXPECT_THAT(csv->examples.inputs, ElementsAre(1, 2, 3, 4.5, -1000, 0));
  EXPECT_THAT(csv->classes, ElementsAre("ant", "cat"));
  EXPECT_THAT(csv->examples.labels, ElementsAre(1, 0, 1));
}

TEST(ReadLabelledCsv, TakesTheLastColumnWithoutAName) {
  const auto csv = Read("1,2,b\n3,4,a\n", "");
  ASSERT_TRUE(csv.ok()) << csv.status();
  EXPECT_THAT(csv->examples.inputs, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(csv->examples.labels, ElementsAre(1, 0));
}

TEST(ReadLabelledCsv, TakesTheLabelColumnByNumber) {
  const auto csv = Read("b,2\na,4\n", "1");
  ASSERT_TRUE(csv.ok()) << csv.status();
  EXPECT_THAT(csv->examples.inputs, ElementsAre(2, 4));
}

TEST(ReadLabelledCsv, OrdersNumericLabelsByTheirValue) {
  const auto csv = Read("0,10\n0,9\n0,-1\n", "");
  ASSERT_TRUE(csv.ok()) << csv.status();
  EXPECT_THAT(csv->classes, ElementsAre("-1", "9", "10"));
  EXPECT_THAT(csv->examples.labels, ElementsAre(2, 1, 0));
}

// As numbers, "nan" would have no place in an order.
TEST(ReadLabelledCsv, OrdersLabelsThatAreNotFiniteAsText) {
  const auto csv = Read("0,10\n0,nan\n0,9\n", "");
  ASSERT_TRUE(csv.ok()) << csv.status();
  EXPECT_THAT(csv->classes, ElementsAre("10", "9", "nan"));
}

TEST(ReadLabelledCsv, ReadsGzip) {
  const TemporaryFolder folder;
  const auto csv = ReadLabelledCsv(WriteGzip(folder, "data.csv.gz", "1,a\n2,b\n"), "");
  ASSERT_TRUE(csv.ok()) << csv.status();
  EXPECT_THAT(csv->examples.inputs, ElementsAre(1, 2));
}

struct BadCsv {
  std::string name;
  std::string content;
  std::string label_column;
  // Of the message, after the file's name.
  std::string message;
};

class BadCsvTest : public ::testing::TestWithParam<BadCsv> {};

TEST_P(BadCsvTest, IsRefusedWithLineAndColumn) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("data.csv", GetParam().content);
  const absl::Status status = ReadLabelledCsv(path, GetParam().label_column).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), StrEq(path + GetParam().message));
}

std::string ManyLabels() {
  std::string content;
  for (int i = 0; i <= 1000; ++i) {
    content += "1," + std::to_string(i) + "\n";
  }
  return content;
}

INSTANTIATE_TEST_SUITE_P(
    All, BadCsvTest,
    ::testing::Values(
        BadCsv{"TextInANumberColumn", "x,y,kind\n1,2,a\n3,four,b\n", "kind",
               ", line 3: column 2 (\"y\"): \"four\" is not a number"},
        BadCsv{"TextWithoutAHeader", "1,2,a\n3,four,b\n", "",
               ", line 2: column 2: \"four\" is not a number"},
        BadCsv{"AMisspeltNumberInTheFirstLine", "1,2x,a\n3,4,b\n", "",
               ", line 1: column 2: \"2x\" is not a number (a line with a number in it is no "
               "header)"},
        BadCsv{"AMissingNumber", "x,kind\n1,a\n,b\n", "",
               ", line 3: column 1 (\"x\"): \"\" is not a number"},
        BadCsv{"NotANumber", "x,kind\n1,a\nnan,b\n", "",
               ", line 3: column 1 (\"x\"): \"nan\" is not a number"},
        BadCsv{"Infinity", "x,kind\n1,a\n-inf,b\n", "",
               ", line 3: column 1 (\"x\"): \"-inf\" is not a number"},
        BadCsv{"AboveFloat", "x,kind\n1,a\n1e39,b\n", "",
               ", line 3: column 1 (\"x\"): \"1e39\" is not a number"},
        BadCsv{"AMissingLabel", "x,kind\n1,a\n2,\n", "",
               ", line 3: column 2 (\"kind\"): the label is missing"},
        BadCsv{"AShortLine", "x,y,kind\n1,2,a\n3,b\n", "",
               ", line 3: 2 fields, but the first line has 3"},
        BadCsv{"ALongLine", "x,kind\n1,a\n\n3,b,c\n", "",
               ", line 4: 3 fields, but the first line has 2"},
        BadCsv{"AnUnknownColumn", "x,kind\n1,a\n", "sort",
               " has no column \"sort\"; its columns are x, kind"},
        BadCsv{"ANameWithoutAHeader", "1,a\n", "kind",
               " has no column \"kind\"; it has no header, so that a number from 1 to 2 is needed"},
        BadCsv{"AColumnNumberOutOfRange", "1,a\n", "3",
               " has no column \"3\"; it has no header, so that a number from 1 to 2 is needed"},
        BadCsv{"TwoColumnsOfTheName", "kind,x,kind\na,1,b\n", "kind",
               " has more than one column \"kind\""},
        BadCsv{"OneColumn", "1\n2\n", "",
               " has one column; a label and at least one number are needed"},
        BadCsv{"OneClass", "1,a\n2,a\n", "",
               " has 2 examples of 1 classes; at least 2 classes are needed"},
        BadCsv{"NothingButAHeader", "x,kind\n", "",
               " has 0 examples of 0 classes; at least 2 classes are needed"},
        BadCsv{"Empty", "", "", " has 0 examples of 0 classes; at least 2 classes are needed"},
        BadCsv{"AQuoteThatDoesNotEnd", "x,kind\n1,\"a\n", "", ", line 2: a quote does not end"},
        BadCsv{"MoreLabelsThanClasses", ManyLabels(), "",
               ", line 1001: the label column has more than 1000 distinct values; is column 2 the "
               "label?"}),
    [](const auto& info) { return info.param.name; });

TEST(ReadLabelledCsv, NamesAMissingFile) {
  const absl::Status status = ReadLabelledCsv("/does/not/exist.csv", "").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/does/not/exist.csv"));
}

}  // namespace
}  // namespace lehr
