#include "server/journal/journal_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lehr/v1/decision.pb.h"
#include "tests/server/journal/journal_testing.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The number is that of Python:
//   integer = lambda n: b"i" + struct.pack("<q", n)
//   text = lambda t: b"b" + struct.pack("<q", len(t)) + t
//   zlib.crc32(text(b"decisions") + integer(1) + integer(-2) + text(b"\0xyz") + text(b""))
TEST(RowChecksumTest, IsCrc32OfTableAndColumns) {
  RowChecksum checksum("decisions");
  checksum.Add(int64_t{1});
  checksum.Add(int64_t{-2});
  checksum.Add(std::string_view("\0xyz", 4));
  checksum.Add(std::string_view());
  EXPECT_EQ(checksum.value(), 335336654);
}

TEST(RowChecksumTest, TellsWhereAColumnEnds) {
  RowChecksum a("t");
  a.Add(std::string_view("ab"));
  a.Add(std::string_view("c"));
  RowChecksum b("t");
  b.Add(std::string_view("a"));
  b.Add(std::string_view("bc"));
  EXPECT_NE(a.value(), b.value());
}

class JournalRowsTest : public testing::Test {
 protected:
  JournalRowsTest() {
    EXPECT_TRUE(database_->Execute("CREATE TABLE pets(legs, name, crc)").ok());
    sqlite::Statement insert = *database_->Prepare("INSERT INTO pets VALUES(?, ?, ?)");
    for (const auto& [legs, name] :
         {std::pair<int64_t, std::string_view>{4, "cat"}, {2, "parrot"}, {8, "spider"}}) {
      EXPECT_TRUE(WriteRow(insert, "pets", legs, name).ok());
    }
  }

  absl::Status Visit(std::string_view clauses, int64_t legs) {
    return ForEachRow(
        *database_, "pets", clauses,
        [&](const sqlite::Statement& row) {
          names_.emplace_back(row.Bytes(1));
          return absl::OkStatus();
        },
        legs);
  }

  TemporaryDirectory directory_;
  std::unique_ptr<sqlite::Database> database_ =
      *sqlite::Database::Open(directory_ / "pets.db", sqlite::Database::Mode::kCreate);
  std::vector<std::string> names_;
};

TEST_F(JournalRowsTest, VisitsTheRowsThatTheClausesSelect) {
  LEHR_ASSERT_OK(Visit("WHERE legs >= ? ORDER BY legs", 4));
  EXPECT_THAT(names_, ElementsAre("cat", "spider"));
}

TEST_F(JournalRowsTest, StopsAtADamagedRow) {
  LEHR_ASSERT_OK(database_->Execute("UPDATE pets SET legs = 3 WHERE name = 'cat'"));
  const absl::Status status = Visit("WHERE legs >= ? ORDER BY legs", 2);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("a row of the table pets"));
  EXPECT_THAT(names_, ElementsAre("parrot"));
}

// A row that is copied into another table is not one of it.
TEST_F(JournalRowsTest, ChecksumHasTheTable) {
  LEHR_ASSERT_OK(database_->Execute("ALTER TABLE pets RENAME TO stones"));
  const absl::Status status = ForEachRow(*database_, "stones", "",
                                         [](const sqlite::Statement&) { return absl::OkStatus(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
}

TEST_F(JournalRowsTest, StopsAtAnErrorOfTheVisitor) {
  const absl::Status stop = absl::CancelledError("enough");
  EXPECT_EQ(ForEachRow(*database_, "pets", "", [&](const sqlite::Statement&) { return stop; }),
            stop);
}

TEST_F(JournalRowsTest, ColumnThatHoldsNoMessageIsDataLoss) {
  const absl::Status status = ForEachRow(*database_, "pets", "", [&](const sqlite::Statement& row) {
    v1::Decision decision;
    return ParseColumn(row, /*column=*/1, decision);
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("lehr.v1.Decision"));
}

}  // namespace
}  // namespace lehr
