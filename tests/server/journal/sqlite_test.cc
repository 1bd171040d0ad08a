#include "server/journal/sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "tests/server/journal/journal_testing.h"

namespace lehr::sqlite {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class SqliteTest : public testing::Test {
 protected:
  static std::unique_ptr<Database> Open(const std::string& path, Database::Mode mode) {
    absl::StatusOr<std::unique_ptr<Database>> database = Database::Open(path, mode);
    EXPECT_TRUE(database.ok()) << database.status();
    return *std::move(database);
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_ / "test.db";
  std::unique_ptr<Database> database_ = Open(path_, Database::Mode::kCreate);
};

TEST_F(SqliteTest, ValuesAreReadBackAsTheyWereBound) {
  LEHR_ASSERT_OK(database_->Execute("CREATE TABLE t(i INTEGER, s TEXT, b BLOB) STRICT"));
  absl::StatusOr<Statement> insert = database_->Prepare("INSERT INTO t VALUES(?, ?, ?)");
  LEHR_ASSERT_OK(insert.status());
  const std::string_view bytes("\0\xff", 2);
  LEHR_ASSERT_OK(insert->Run(int64_t{-7}, std::string_view("text"), Blob{bytes}));
  LEHR_ASSERT_OK(insert->Run(int64_t{8}, std::string_view(""), Blob{}));
  EXPECT_EQ(database_->changed_rows(), 1);

  absl::StatusOr<Statement> select = database_->Prepare("SELECT * FROM t ORDER BY i");
  LEHR_ASSERT_OK(select.status());
  LEHR_ASSERT_OK(select->Start());
  ASSERT_TRUE(select->HasRow());
  EXPECT_EQ(select->columns(), 3);
  EXPECT_TRUE(select->IsInteger(0));
  EXPECT_EQ(select->Integer(0), -7);
  EXPECT_FALSE(select->IsInteger(1));
  EXPECT_EQ(select->Bytes(1), "text");
  EXPECT_EQ(select->Bytes(2), bytes);
  LEHR_ASSERT_OK(select->Next());
  ASSERT_TRUE(select->HasRow());
  EXPECT_EQ(select->Bytes(2), "");
  LEHR_ASSERT_OK(select->Next());
  EXPECT_FALSE(select->HasRow());
}

TEST_F(SqliteTest, StartBeginsAnew) {
  absl::StatusOr<Statement> select = database_->Prepare("SELECT ? + 1");
  LEHR_ASSERT_OK(select.status());
  for (const int64_t number : {1, 2}) {
    LEHR_ASSERT_OK(select->Start(number));
    EXPECT_EQ(select->Integer(0), number + 1);
  }
}

TEST_F(SqliteTest, ErrorsNameTheFileAndTheReason) {
  const absl::Status status = database_->Execute("SELECT * FROM missing");
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(path_), HasSubstr("no such table: missing")));
}

TEST_F(SqliteTest, MissingDatabaseIsAnError) {
  const absl::Status status =
      Database::Open(directory_ / "missing.db", Database::Mode::kExisting).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(directory_ / "missing.db"));
}

// The log is what a crash leaves: a damaged one must not find its way into the database.
TEST_F(SqliteTest, CloseLeavesTheLogAlone) {
  LEHR_ASSERT_OK(database_->Execute(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; CREATE TABLE t(i)"));
  EXPECT_GT(database_->log_pages(), 0);
  const std::string before = ReadFile(path_ + "-wal");
  database_.reset();
  EXPECT_EQ(ReadFile(path_ + "-wal"), before);
}

TEST_F(SqliteTest, CheckpointMovesTheLogIntoTheDatabase) {
  LEHR_ASSERT_OK(database_->Execute(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; CREATE TABLE t(i)"));
  LEHR_ASSERT_OK(database_->Checkpoint(Database::Log::kTruncate));
  database_.reset();
  EXPECT_EQ(std::filesystem::file_size(path_ + "-wal"), 0);
  EXPECT_EQ(*Open(path_, Database::Mode::kExisting)->Ask("SELECT name FROM sqlite_schema"), "t");
}

// A row that is in a table, but not in its index, which only the full scan looks at.
TEST_F(SqliteTest, FindsDamage) {
  LEHR_ASSERT_OK(
      database_->Execute("CREATE TABLE t(i); CREATE INDEX n ON t(i);"
                         "INSERT INTO t VALUES('needle')"));
  LEHR_ASSERT_OK(database_->FindDamage(Database::Scan::kFull));
  database_.reset();
  std::string bytes = ReadFile(path_);
  const size_t in_index = bytes.rfind("needle");  // its pages follow those of the table
  ASSERT_NE(in_index, std::string::npos);
  bytes[in_index] ^= 1;
  WriteFile(path_, bytes);

  database_ = Open(path_, Database::Mode::kExisting);
  LEHR_ASSERT_OK(database_->FindDamage(Database::Scan::kQuick));
  const absl::Status status = database_->FindDamage(Database::Scan::kFull);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(path_), HasSubstr("index n")));
}

}  // namespace
}  // namespace lehr::sqlite
