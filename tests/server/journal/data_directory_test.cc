#include "server/journal/data_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/server/journal/journal_testing.h"

namespace lehr {
namespace {

using std::filesystem::perms;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(CreateDataDirectoryTest, IsForTheOwnerOnly) {
  TemporaryDirectory parent;
  LEHR_ASSERT_OK(CreateDataDirectory(parent / "a/b"));
  EXPECT_EQ(std::filesystem::status(parent / "a/b").permissions(), perms::owner_all);
}

TEST(CreateDataDirectoryTest, LeavesOneThatIsThereAsItIs) {
  TemporaryDirectory directory;
  const perms shared = perms::owner_all | perms::group_read | perms::group_exec;
  std::filesystem::permissions(directory.path(), shared);
  LEHR_ASSERT_OK(CreateDataDirectory(directory.path()));
  EXPECT_EQ(std::filesystem::status(directory.path()).permissions(), shared);
}

TEST(CreateDataDirectoryTest, TakesATrailingSlash) {
  TemporaryDirectory parent;
  LEHR_ASSERT_OK(CreateDataDirectory(parent / "data/"));
  EXPECT_EQ(std::filesystem::status(parent / "data").permissions(), perms::owner_all);
}

TEST(CreateDataDirectoryTest, RefusesAFile) {
  TemporaryDirectory parent;
  WriteFile(parent / "file", "");
  const absl::Status status = CreateDataDirectory(parent / "file");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr(parent / "file"));
}

TEST(DirectoryLockTest, HasOneHolder) {
  TemporaryDirectory directory;
  auto lock = DirectoryLock::Acquire(directory.path());
  LEHR_ASSERT_OK(lock.status());
  const absl::Status status = DirectoryLock::Acquire(directory.path()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(directory.path()), HasSubstr(absl::StrCat("process ", getpid()))));
}

TEST(DirectoryLockTest, IsReleasedWithTheObject) {
  TemporaryDirectory directory;
  LEHR_ASSERT_OK(DirectoryLock::Acquire(directory.path()).status());
  LEHR_ASSERT_OK(DirectoryLock::Acquire(directory.path()).status());
}

TEST(DirectoryLockTest, MovesWithTheObject) {
  TemporaryDirectory directory;
  std::optional<DirectoryLock> holder;
  {
    auto lock = DirectoryLock::Acquire(directory.path());
    LEHR_ASSERT_OK(lock.status());
    holder.emplace(*std::move(lock));
  }
  EXPECT_FALSE(DirectoryLock::Acquire(directory.path()).ok());
}

// The id of a process that is gone is in the file, and means nothing.
TEST(DirectoryLockTest, IgnoresAFileThatNobodyHolds) {
  TemporaryDirectory directory;
  WriteFile(directory / "lehrd.lock", "123456789012\n");
  auto lock = DirectoryLock::Acquire(directory.path());
  LEHR_ASSERT_OK(lock.status());
  EXPECT_EQ(ReadFile(directory / "lehrd.lock"), absl::StrCat(getpid(), "\n"));
}

TEST(DirectoryLockTest, MissingDirectoryIsNotFound) {
  TemporaryDirectory parent;
  const absl::Status status = DirectoryLock::Acquire(parent / "missing").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr(parent / "missing"));
}

TEST(SyncDirectoryTest, MissingDirectoryIsNotFound) {
  TemporaryDirectory directory;
  LEHR_ASSERT_OK(SyncDirectory(directory.path()));
  EXPECT_EQ(SyncDirectory(directory / "missing").code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace lehr
