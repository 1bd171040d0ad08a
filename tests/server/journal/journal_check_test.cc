#include "server/journal/journal_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/journal/data_directory.h"
#include "server/journal/journal.h"
#include "server/journal/journal_schema.h"
#include "server/journal/sqlite.h"
#include "tests/server/journal/journal_testing.h"

namespace lehr {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// The bytes of every file, the lock's too.
std::map<std::string, std::string> AllFiles(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    files[entry.path().filename()] = ReadFile(entry.path());
  }
  return files;
}

class JournalCheckTest : public testing::Test {
 protected:
  // With ten decisions in each of two generations of two runs.
  void Write(bool close) {
    auto journal = OpenOrDie(directory_.path());
    Fill(*journal);
    LEHR_ASSERT_OK(journal->Flush(Soon()));
    if (close) {
      LEHR_ASSERT_OK(journal->Close(Soon()));
    }
  }

  TemporaryDirectory directory_{FastParent()};
};

TEST_F(JournalCheckTest, TellsWhatIsInTheJournal) {
  Write(/*close=*/true);
  const auto summary = CheckJournal(directory_.path());
  LEHR_ASSERT_OK(summary.status());
  EXPECT_EQ(summary->state.epoch, 1);
  EXPECT_TRUE(summary->state.clean);
  EXPECT_TRUE(summary->state.acting_stopped);
  ASSERT_THAT(summary->runs, SizeIs(2));
  for (const JournalSummary::Run& run : summary->runs) {
    EXPECT_EQ(run.decisions, 20);
    EXPECT_EQ(run.newest->generation, 2);
    EXPECT_EQ(run.newest->step, 9);
  }
  EXPECT_EQ(summary->runs[0].run_id, "run-a");
  EXPECT_EQ(summary->runs[1].run_id, "run-b");
  EXPECT_EQ(summary->size, std::filesystem::file_size(directory_ / "journal.db"));
  EXPECT_THAT(summary->other_files, IsEmpty());
}

TEST_F(JournalCheckTest, ReadsTheLogOfALehrdThatWasKilled) {
  Write(/*close=*/false);
  const auto summary = CheckJournal(directory_.path());
  LEHR_ASSERT_OK(summary.status());
  EXPECT_FALSE(summary->state.clean);
  ASSERT_THAT(summary->runs, SizeIs(2));
  EXPECT_EQ(summary->size, std::filesystem::file_size(directory_ / "journal.db") +
                               std::filesystem::file_size(directory_ / "journal.db-wal"));
}

TEST_F(JournalCheckTest, KnowsARunWithoutDecisions) {
  auto journal = OpenOrDie(directory_.path());
  journal->AppendRun(MakeRun("run"));
  journal->AppendGeneration(MakeGeneration("run", 1));
  LEHR_ASSERT_OK(journal->Close(Soon()));
  journal.reset();
  const auto summary = CheckJournal(directory_.path());
  LEHR_ASSERT_OK(summary.status());
  ASSERT_THAT(summary->runs, SizeIs(1));
  EXPECT_EQ(summary->runs[0].decisions, 0);
  EXPECT_FALSE(summary->runs[0].newest.has_value());
}

TEST_F(JournalCheckTest, LeavesEveryFileAsItIs) {
  for (const bool close : {true, false}) {
    Write(close);
    const auto before = AllFiles(directory_.path());
    LEHR_ASSERT_OK(CheckJournal(directory_.path()).status());
    EXPECT_EQ(AllFiles(directory_.path()), before);
  }
}

// A copy of the database alone gets neither a log nor a lock.
TEST_F(JournalCheckTest, LeavesACopyAsItIs) {
  Write(/*close=*/true);
  TemporaryDirectory copy(FastParent());
  WriteFile(copy / "journal.db", ReadFile(directory_ / "journal.db"));
  const auto before = AllFiles(copy.path());
  LEHR_ASSERT_OK(CheckJournal(copy.path()).status());
  EXPECT_EQ(AllFiles(copy.path()), before);
  WriteFile(copy / "journal.db", before.at("journal.db").substr(0, 20000));
  EXPECT_EQ(CheckJournal(copy.path()).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(AllFiles(copy.path()), SizeIs(1));
}

TEST_F(JournalCheckTest, NamesFilesThatItDoesNotKnow) {
  Write(/*close=*/true);
  WriteFile(directory_ / "notes.txt", "ours");
  WriteFile(directory_ / "journal.db.old", "theirs");
  const auto summary = CheckJournal(directory_.path());
  LEHR_ASSERT_OK(summary.status());
  EXPECT_THAT(summary->other_files, ElementsAre("journal.db.old", "notes.txt"));
}

TEST_F(JournalCheckTest, SaysWhoHoldsTheJournal) {
  auto journal = OpenOrDie(directory_.path());
  const absl::Status status = CheckJournal(directory_.path()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(
      std::string(status.message()),
      AllOf(HasSubstr(directory_.path()), HasSubstr(absl::StrCat("held by process ", getpid()))));
}

// It did not write its id, and the one that is there is of another process.
TEST_F(JournalCheckTest, IsNotTakenForTheProcessBefore) {
  Write(/*close=*/true);
  WriteFile(directory_ / "lehrd.lock", "2147483647\n");  // above the greatest that Linux gives
  const auto lock = DirectoryLock::AcquireToRead(directory_.path());
  LEHR_ASSERT_OK(lock.status());
  const absl::Status status = Journal::Open(OnlyFlushes(directory_.path())).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("held by another process"));
}

TEST_F(JournalCheckTest, RefusesASchemaBeforeThisOne) {
  Write(/*close=*/true);
  {
    auto database =
        sqlite::Database::Open(directory_ / "journal.db", sqlite::Database::Mode::kExisting);
    LEHR_ASSERT_OK(database.status());
    LEHR_ASSERT_OK((*database)->Execute(
        "PRAGMA locking_mode = EXCLUSIVE; DROP TABLE buckets; PRAGMA user_version = 1"));
    LEHR_ASSERT_OK((*database)->Checkpoint(sqlite::Database::Log::kTruncate));
  }
  const auto before = AllFiles(directory_.path());
  for (const absl::Status& status : {CheckJournal(directory_.path()).status(),
                                     Journal::Open(OnlyFlushes(directory_.path())).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(absl::StrCat("schema version 1, and this lehrd knows only ",
                                             kJournalSchemaVersion)),
                      HasSubstr("Start the lehrd that wrote it, restore a backup")));
  }
  EXPECT_EQ(ReadFile(directory_ / "journal.db"), before.at("journal.db"));
}

TEST_F(JournalCheckTest, SaysThatACopyMayNotBeWritten) {
  Write(/*close=*/true);
  const auto readable = static_cast<std::filesystem::perms>(0444);
  std::filesystem::permissions(directory_.path(), std::filesystem::perms::all);
  std::filesystem::permissions(directory_ / "journal.db", readable);
  std::filesystem::permissions(directory_ / "lehrd.lock", readable);
  // Root may write everything, so that the test gives that up for a moment.
  const uid_t user = geteuid();
  if (user == 0) {
    ASSERT_EQ(seteuid(65534), 0);
  }
  const absl::Status status = CheckJournal(directory_.path()).status();
  ASSERT_EQ(seteuid(user), 0);
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(directory_ / "journal.db" + " must be writable to be checked"));
}

TEST_F(JournalCheckTest, NamesADirectoryThatIsNotThere) {
  const absl::Status status = CheckJournal(directory_ / "missing").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no directory " + directory_ / "missing"));
}

TEST_F(JournalCheckTest, NamesADatabaseThatIsNotThere) {
  WriteFile(directory_ / "notes.txt", "ours");
  const absl::Status status = CheckJournal(directory_.path()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr(directory_ / "journal.db"));
}

}  // namespace
}  // namespace lehr
