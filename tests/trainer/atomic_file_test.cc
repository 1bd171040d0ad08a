#include "trainer/atomic_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/temporary_folder.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

TEST(ReplaceFile, WritesANewFile) {
  const TemporaryFolder folder;
  ASSERT_TRUE(ReplaceFile(folder.Path("a"), "content").ok());
  EXPECT_EQ(ReadAll(folder.Path("a")), "content");
}

TEST(ReplaceFile, ReplacesAnOldFileAndLeavesNoOther) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("a", "a longer old content");
  ASSERT_TRUE(ReplaceFile(path, "new").ok());
  EXPECT_EQ(ReadAll(path), "new");
  EXPECT_FALSE(std::filesystem::exists(path + ".tmp"));
}

// An earlier process may have died between writing and renaming.
TEST(ReplaceFile, OverwritesALeftoverTemporaryFile) {
  const TemporaryFolder folder;
  folder.Write("a.tmp", "half a checkpoint that was never renamed");
  ASSERT_TRUE(ReplaceFile(folder.Path("a"), "new").ok());
  EXPECT_EQ(ReadAll(folder.Path("a")), "new");
}

TEST(ReplaceFile, NamesAFolderThatDoesNotExist) {
  const absl::Status status = ReplaceFile("/does/not/exist", "content");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/does/not/exist"));
}

// Renaming over /dev/null would replace the device.
TEST(ReplaceFile, RefusesWhatIsNotARegularFile) {
  EXPECT_EQ(ReplaceFile("/dev/null", "content").code(), absl::StatusCode::kInvalidArgument);
}

// A full disk: the old content stays.
TEST(ReplaceFile, KeepsTheOldFileWhereTheNewOneCannotBeWritten) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("a", "old");
  std::filesystem::create_symlink("/dev/full", path + ".tmp");
  const absl::Status status = ReplaceFile(path, "new");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReadAll(path), "old");
}

}  // namespace
}  // namespace lehr
