#include "server/journal/durable_mark.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "tests/server/journal/journal_testing.h"

namespace lehr {
namespace {

class DurableMarkTest : public testing::Test {
 protected:
  absl::StatusOr<std::optional<uint64_t>> Read() { return DurableMark::Read(path_); }

  TemporaryDirectory directory_;
  std::string path_ = directory_ / "mark";
};

TEST_F(DurableMarkTest, IsReadBack) {
  absl::StatusOr<DurableMark> mark = DurableMark::Open(path_, 7);
  LEHR_ASSERT_OK(mark.status());
  EXPECT_EQ(*Read(), 7);
  for (const uint64_t sequence : {uint64_t{8}, uint64_t{12345678}, ~uint64_t{0}}) {
    LEHR_ASSERT_OK(mark->Write(sequence));
    EXPECT_EQ(*Read(), sequence);
  }
}

// The checksum is that of Python's zlib.crc32(b"00000000000000000042").
TEST_F(DurableMarkTest, HasAFormatThatStays) {
  LEHR_ASSERT_OK(DurableMark::Open(path_, 42).status());
  EXPECT_EQ(ReadFile(path_), "00000000000000000042 4ee7e60b\n");
}

TEST_F(DurableMarkTest, MissingAndEmptyFilesAreNoMark) {
  EXPECT_EQ(*Read(), std::nullopt);
  // A power loss can leave a file that was made without its bytes.
  WriteFile(path_, "");
  EXPECT_EQ(*Read(), std::nullopt);
}

TEST_F(DurableMarkTest, EveryChangedBitIsFound) {
  LEHR_ASSERT_OK(DurableMark::Open(path_, 42).status());
  const std::string whole = ReadFile(path_);
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    WriteFile(path_, damaged);
    EXPECT_EQ(Read().status().code(), absl::StatusCode::kDataLoss) << damaged;
  }
}

TEST_F(DurableMarkTest, EveryOtherLengthIsFound) {
  LEHR_ASSERT_OK(DurableMark::Open(path_, 42).status());
  const std::string whole = ReadFile(path_);
  for (size_t size = 1; size < whole.size(); ++size) {
    WriteFile(path_, whole.substr(0, size));
    EXPECT_EQ(Read().status().code(), absl::StatusCode::kDataLoss) << size;
  }
  WriteFile(path_, whole + "\n");
  EXPECT_EQ(Read().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(DurableMarkTest, ErrorsNameTheFile) {
  const std::string path = directory_ / "missing/mark";
  EXPECT_THAT(std::string(DurableMark::Open(path, 1).status().message()), testing::HasSubstr(path));
}

}  // namespace
}  // namespace lehr
