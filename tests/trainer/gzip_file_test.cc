#include "trainer/gzip_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/temporary_folder.h"
#include "tests/trainer/write_gzip.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

// Longer than a chunk, and not compressible to nothing.
std::string LongText() {
  std::string text;
  for (int i = 0; i < 200'000; ++i) {
    text += std::to_string(i * 7919 % 10007);
  }
  return text;
}

TEST(ReadMaybeGzipFile, UnpacksGzip) {
  const TemporaryFolder folder;
  const auto content = ReadMaybeGzipFile(WriteGzip(folder, "a.gz", LongText()));
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_EQ(*content, LongText());
}

TEST(ReadMaybeGzipFile, ReadsAPlainFile) {
  const TemporaryFolder folder;
  EXPECT_EQ(ReadMaybeGzipFile(folder.Write("a", LongText())).value(), LongText());
}

TEST(ReadMaybeGzipFile, ReadsAnEmptyFile) {
  const TemporaryFolder folder;
  EXPECT_EQ(ReadMaybeGzipFile(folder.Write("a", "")).value(), "");
}

TEST(ReadMaybeGzipFile, NamesAMissingFile) {
  const absl::Status status = ReadMaybeGzipFile("/does/not/exist").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/does/not/exist"));
}

TEST(ReadMaybeGzipFile, RefusesAFolder) {
  const TemporaryFolder folder;
  const absl::Status status = ReadMaybeGzipFile(folder.Path("")).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("is not a file"));
}

TEST(ReadMaybeGzipFile, SaysThatGzipIsTruncated) {
  const TemporaryFolder folder;
  std::string packed = ReadAll(WriteGzip(folder, "a.gz", LongText()));
  for (const size_t size : {packed.size() - 1, packed.size() - 9, packed.size() / 2, size_t{12}}) {
    const std::string path = folder.Write("b.gz", packed.substr(0, size));
    const absl::Status status = ReadMaybeGzipFile(path).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << size;
    EXPECT_THAT(std::string(status.message()), HasSubstr(path + " is truncated or corrupt"));
  }
}

TEST(ReadMaybeGzipFile, SaysThatGzipIsCorrupt) {
  const TemporaryFolder folder;
  std::string packed = ReadAll(WriteGzip(folder, "a.gz", LongText()));
  packed[packed.size() / 2] ^= 0x55;
  const absl::Status status = ReadMaybeGzipFile(folder.Write("b.gz", packed)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
}

// A small file may unpack to more than memory holds.
TEST(ReadMaybeGzipFile, RefusesMoreThanTheBound) {
  const TemporaryFolder folder;
  const std::string path = WriteGzip(folder, "a.gz", std::string(1000, 'x'));
  EXPECT_TRUE(ReadMaybeGzipFile(path, /*max_bytes=*/1000).ok());
  const absl::Status status = ReadMaybeGzipFile(path, /*max_bytes=*/999).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(status.message()), HasSubstr("999"));
}

}  // namespace
}  // namespace lehr
