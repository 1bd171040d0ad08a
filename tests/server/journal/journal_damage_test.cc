// A journal that is damaged, foreign, in use or out of reach: it is reported, and left as it is.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/journal/journal.h"
#include "server/journal/journal_check.h"
#include "server/journal/journal_schema.h"
#include "server/journal/sqlite.h"
#include "tests/server/journal/journal_testing.h"

namespace lehr {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using Files = std::map<std::string, std::string>;

constexpr char kDatabase[] = "journal.db";
constexpr char kLog[] = "journal.db-wal";
constexpr char kMark[] = "journal.durable";

// The files of a filled journal, and what it gives back.
struct Filled {
  Files files;
  std::string contents;
};

Filled MakeFilled(bool close) {
  TemporaryDirectory directory(FastParent());
  auto journal = OpenOrDie(directory.path());
  Fill(*journal);
  Filled filled = {.contents = *Describe(*journal)};
  if (close) {
    EXPECT_TRUE(journal->Close(Soon()).ok());
  }
  journal.reset();
  filled.files = ReadDirectory(directory.path());
  return filled;
}

class JournalDamageTest : public testing::Test {
 protected:
  // Writes the files, opens them as a journal, and expects the failure to leave them as they are.
  absl::Status OpenDamaged(const Files& files) {
    WriteDirectory(directory_.path(), files);
    const absl::Status status = Journal::Open(OnlyFlushes(directory_.path())).status();
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(ReadDirectory(directory_.path()), files);
    return status;
  }

  // Changes a closed journal's database with SQL, as another program could.
  Files ChangeWithSql(const std::string& sql) {
    WriteDirectory(directory_.path(), MakeFilled(/*close=*/true).files);
    {
      auto database =
          sqlite::Database::Open(directory_ / kDatabase, sqlite::Database::Mode::kExisting);
      EXPECT_TRUE(database.ok());
      const absl::Status status =
          (*database)->Execute(absl::StrCat("PRAGMA locking_mode = EXCLUSIVE; ", sql));
      EXPECT_TRUE(status.ok()) << status;
      EXPECT_TRUE((*database)->Checkpoint(sqlite::Database::Log::kTruncate).ok());
    }
    return ReadDirectory(directory_.path());
  }

  void ExpectDataLoss(const absl::Status& status, const std::string& file,
                      const std::string& what) {
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(directory_ / file), HasSubstr(what),
                                                     HasSubstr("from a backup and remove")));
  }

  TemporaryDirectory directory_{FastParent()};
};

TEST_F(JournalDamageTest, FileThatIsNoDatabase) {
  ExpectDataLoss(OpenDamaged({{kDatabase, std::string(8192, 'x')}}), kDatabase,
                 "file is not a database");
}

// SQLite would take it for a new database and drop the log.
TEST_F(JournalDamageTest, EmptyDatabaseWithALog) {
  Files files = MakeFilled(/*close=*/false).files;
  files[kDatabase] = "";
  ExpectDataLoss(OpenDamaged(files), kDatabase, "the file is empty");
}

TEST_F(JournalDamageTest, MissingDatabaseWithALog) {
  Files files = MakeFilled(/*close=*/false).files;
  files.erase(kDatabase);
  ExpectDataLoss(OpenDamaged(files), kDatabase, "missing, but");
}

TEST_F(JournalDamageTest, MissingDatabaseWithAMark) {
  Files files = MakeFilled(/*close=*/true).files;
  files.erase(kDatabase);
  files.erase(kLog);
  ExpectDataLoss(OpenDamaged(files), kDatabase, "missing, but");
}

TEST_F(JournalDamageTest, MissingLog) {
  Files files = MakeFilled(/*close=*/false).files;
  files.erase(kLog);
  ExpectDataLoss(OpenDamaged(files), kDatabase, "was durable");
}

TEST_F(JournalDamageTest, OlderCopyOfTheDatabase) {
  Files files = MakeFilled(/*close=*/true).files;
  auto journal = OpenOrDie([&] {
    WriteDirectory(directory_.path(), files);
    return directory_.path();
  }());
  journal->SetActingStopped(false);
  LEHR_ASSERT_OK(journal->Close(Soon()));
  journal.reset();
  files[kMark] = ReadFile(directory_ / kMark);
  ExpectDataLoss(OpenDamaged(files), kDatabase, absl::StrCat("move ", directory_ / kMark, " away"));
}

// How an operator says that the older copy is what there is. It was closed cleanly, and ranks may
// have seen more since.
TEST_F(JournalDamageTest, WithoutTheMarkAnOlderCopyIsTaken) {
  const Filled filled = MakeFilled(/*close=*/true);
  Files files = filled.files;
  WriteDirectory(directory_.path(), files);
  EXPECT_TRUE(OpenOrDie(directory_.path())->clean_stop());
  files.erase(kMark);
  WriteDirectory(directory_.path(), files);
  auto journal = OpenOrDie(directory_.path());
  EXPECT_EQ(*Describe(*journal), filled.contents);
  EXPECT_FALSE(journal->clean_stop());
}

TEST_F(JournalDamageTest, DamagedMark) {
  Files files = MakeFilled(/*close=*/true).files;
  files[kMark][19] ^= 1;
  ExpectDataLoss(OpenDamaged(files), kMark, "not a number with its checksum");
}

TEST_F(JournalDamageTest, RollbackJournalOfAnotherProgram) {
  Files files = MakeFilled(/*close=*/true).files;
  files["journal.db-journal"] = "anything";
  ExpectDataLoss(OpenDamaged(files), "journal.db-journal", "another program");
}

TEST_F(JournalDamageTest, DatabaseOfAnotherProgram) {
  const Files files = ChangeWithSql("PRAGMA application_id = 42");
  const absl::Status status = OpenDamaged(files);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(directory_ / kDatabase), HasSubstr("application_id 42")));
}

TEST_F(JournalDamageTest, NewerSchemaVersion) {
  const Files files =
      ChangeWithSql(absl::StrCat("PRAGMA user_version = ", kJournalSchemaVersion + 1));
  const absl::Status status = OpenDamaged(files);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(directory_ / kDatabase),
                    HasSubstr(absl::StrCat("schema version ", kJournalSchemaVersion + 1))));
}

TEST_F(JournalDamageTest, OtherTables) {
  ExpectDataLoss(OpenDamaged(ChangeWithSql("DROP TABLE checkpoints")), kDatabase,
                 "its tables are not those");
}

TEST_F(JournalDamageTest, RowThatARestartReads) {
  ExpectDataLoss(OpenDamaged(ChangeWithSql("UPDATE generations SET generation = 9 "
                                           "WHERE run = 2 AND generation = 1")),
                 kDatabase,
                 "a row of the table generations does not fit its checksum (run 2, generation 9)");
}

TEST_F(JournalDamageTest, MissingRun) {
  ExpectDataLoss(OpenDamaged(ChangeWithSql("DELETE FROM runs WHERE run = 1")), kDatabase,
                 "run 2 follows on run 0");
}

// A restart does not read old decisions; Check and the history do.
TEST_F(JournalDamageTest, RowThatARestartDoesNotRead) {
  ChangeWithSql(
      "UPDATE decisions SET policy_state = x'00' "
      "WHERE run = 1 AND generation = 1 AND step = 3");
  ExpectDataLoss(CheckJournal(directory_.path()).status(), kDatabase,
                 "a row of the table decisions does not fit its checksum (run 1, generation 1, "
                 "step 3, ");
  auto journal = OpenOrDie(directory_.path());
  EXPECT_EQ(journal->ReadHistory({.run_id = "run-a"}).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(journal->FindDecision("run-a", 1, 3).status().code(), absl::StatusCode::kDataLoss);
  LEHR_ASSERT_OK(journal->ReadHistory({.run_id = "run-b"}).status());
}

TEST_F(JournalDamageTest, CheckFindsAMissingRow) {
  ChangeWithSql("DELETE FROM decisions WHERE run = 1 AND generation = 1 AND step = 3");
  ExpectDataLoss(CheckJournal(directory_.path()).status(), kDatabase, "the counts of run run-a");
}

TEST_F(JournalDamageTest, CheckFindsRowsOfNoRun) {
  ChangeWithSql("DELETE FROM runs WHERE run = 2");
  ExpectDataLoss(CheckJournal(directory_.path()).status(), kDatabase, "there are only 1 runs");
}

TEST_F(JournalDamageTest, DatabaseThatWasCut) {
  const Files whole = MakeFilled(/*close=*/true).files;
  for (size_t size = 1; size < whole.at(kDatabase).size(); size += 997) {
    Files files = whole;
    files[kDatabase].resize(size);
    EXPECT_EQ(OpenDamaged(files).code(), absl::StatusCode::kDataLoss) << size;
  }
}

// Every cut takes the last commit away, and the mark knows that it was durable.
TEST_F(JournalDamageTest, LogThatWasCut) {
  const Files whole = MakeFilled(/*close=*/false).files;
  for (size_t size = 0; size < whole.at(kLog).size(); size += 997) {
    Files files = whole;
    files[kLog].resize(size);
    EXPECT_EQ(OpenDamaged(files).code(), absl::StatusCode::kDataLoss) << size;
  }
}

// One bit in every so many bytes of each file: either it is reported, or the contents are right.
class FlippedBitTest : public JournalDamageTest, public testing::WithParamInterface<bool> {};

TEST_P(FlippedBitTest, IsReportedOrDoesNotMatter) {
  const size_t stride = 251;  // prime: no structure of the file is skipped
  const Filled filled = MakeFilled(/*close=*/GetParam());
  size_t reported = 0;
  for (const auto& [name, bytes] : filled.files) {
    for (size_t at = 0; at < bytes.size(); at += stride) {
      Files files = filled.files;
      files[name][at] ^= static_cast<char>(1 << (at % 8));
      WriteDirectory(directory_.path(), files);
      const absl::Status check = CheckJournal(directory_.path()).status();
      ASSERT_EQ(ReadDirectory(directory_.path()), files) << name << " at " << at;
      absl::StatusOr<std::unique_ptr<Journal>> journal =
          Journal::Open(OnlyFlushes(directory_.path()));
      if (!journal.ok()) {
        ASSERT_FALSE(check.ok()) << journal.status() << ": " << name << " at " << at;
        ASSERT_EQ(ReadDirectory(directory_.path()), files) << name << " at " << at;
        ++reported;
        continue;
      }
      const absl::StatusOr<std::string> contents = Describe(**journal);
      if (check.ok()) {
        ASSERT_TRUE(contents.ok()) << contents.status() << ": " << name << " at " << at;
      }
      if (contents.ok() && check.ok()) {
        ASSERT_EQ(*contents, filled.contents) << name << " at " << at;
        ASSERT_EQ((*journal)->epoch(), 2) << name << " at " << at;
      }
    }
  }
  // Most bytes of a small journal matter.
  EXPECT_GT(reported, 0);
}

INSTANTIATE_TEST_SUITE_P(Journal, FlippedBitTest, testing::Bool(), [](const auto& info) {
  return info.param ? "AfterACleanStop" : "AfterACrash";
});

TEST(JournalInUseTest, IsRefusedWithTheProcessThatHoldsIt) {
  TemporaryDirectory directory;
  auto journal = OpenOrDie(directory.path());
  for (const absl::Status& status : {Journal::Open(OnlyFlushes(directory.path())).status(),
                                     CheckJournal(directory.path()).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(directory.path()), HasSubstr(absl::StrCat("process ", getpid()))));
  }
}

// Locks of one process do not stop itself: only a second one shows that they are there.
TEST(JournalInUseTest, IsRefusedToAnotherProcess) {
  TemporaryDirectory directory;
  auto journal = OpenOrDie(directory.path());
  int answer[2];
  ASSERT_EQ(pipe(answer), 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::string message(Journal::Open(OnlyFlushes(directory.path())).status().message());
    const ssize_t written = write(answer[1], message.data(), message.size());
    _exit(written == static_cast<ssize_t>(message.size()) ? 0 : 1);
  }
  close(answer[1]);
  char message[4096] = {};
  ASSERT_GT(read(answer[0], message, sizeof(message) - 1), 0);
  close(answer[0]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_THAT(message, HasSubstr(absl::StrCat("is held by process ", getpid())));
}

// Not a lehrd: a person with the sqlite3 shell.
TEST(JournalInUseTest, IsRefusedWhileAnotherProgramReadsIt) {
  TemporaryDirectory directory;
  OpenOrDie(directory.path());
  auto reader = sqlite::Database::Open(directory / kDatabase, sqlite::Database::Mode::kExisting);
  LEHR_ASSERT_OK(reader.status());
  LEHR_ASSERT_OK((*reader)->Execute("BEGIN; SELECT * FROM state"));
  const absl::Status status = Journal::Open(OnlyFlushes(directory.path())).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(directory / kDatabase), HasSubstr("another program has it open")));
}

TEST(JournalOutOfReachTest, DirectoryBelowAFile) {
  TemporaryDirectory directory;
  WriteFile(directory / "file", "");
  for (const char* data_dir : {"file", "file/data"}) {
    const absl::Status status = Journal::Open(OnlyFlushes(directory / data_dir)).status();
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(std::string(status.message()), HasSubstr(directory / "file"));
  }
}

TEST(JournalOutOfReachTest, DirectoryThatCannotBeWritten) {
  TemporaryDirectory directory;
  std::filesystem::permissions(
      directory.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  // Root may write everywhere, so that the test gives that up for a moment.
  const uid_t user = geteuid();
  if (user == 0) {
    ASSERT_EQ(chown(directory.path().c_str(), 65534, 65534), 0);
    ASSERT_EQ(seteuid(65534), 0);
  }
  const absl::Status status = Journal::Open(OnlyFlushes(directory.path())).status();
  ASSERT_EQ(seteuid(user), 0);
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(directory.path()));
}

}  // namespace
}  // namespace lehr
