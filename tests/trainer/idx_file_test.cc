#include "trainer/idx_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/temporary_folder.h"
#include "tests/trainer/write_gzip.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::StrEq;

// Two matrices of 1 × 3 bytes.
const std::string kMatrices({0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6});

TEST(ReadIdxFile, ReadsShapeAndValues) {
  const TemporaryFolder folder;
  const auto idx = ReadIdxFile(folder.Write("a", kMatrices), /*dimensions=*/3);
  ASSERT_TRUE(idx.ok()) << idx.status();
  EXPECT_THAT(idx->shape, ElementsAre(2, 1, 3));
  EXPECT_THAT(idx->values, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(ReadIdxFile, ReadsGzip) {
  const TemporaryFolder folder;
  const auto idx = ReadIdxFile(WriteGzip(folder, "a.gz", kMatrices), /*dimensions=*/3);
  ASSERT_TRUE(idx.ok()) << idx.status();
  EXPECT_THAT(idx->shape, ElementsAre(2, 1, 3));
}

struct BadIdx {
  std::string name;
  std::string content;
  std::string message;
};

class BadIdxTest : public ::testing::TestWithParam<BadIdx> {};

TEST_P(BadIdxTest, IsRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("a", GetParam().content);
  const absl::Status status = ReadIdxFile(path, /*dimensions=*/3).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), StrEq(path + GetParam().message));
}

std::string WithExtents(const std::string& twelve_bytes, size_t values) {
  return kMatrices.substr(0, 4) + twelve_bytes + std::string(values, 'x');
}

INSTANTIATE_TEST_SUITE_P(
    All, BadIdxTest,
    ::testing::Values(
        BadIdx{"Empty", "", " is truncated: 0 bytes do not hold an IDX header of 16"},
        BadIdx{"TruncatedHeader", kMatrices.substr(0, 15),
               " is truncated: 15 bytes do not hold an IDX header of 16"},
        BadIdx{"TruncatedValues", kMatrices.substr(0, 21),
               " is truncated or corrupt: its header says 2 × 1 × 3 bytes, but 5 follow"},
        BadIdx{"TooManyValues", kMatrices + "x",
               " is truncated or corrupt: its header says 2 × 1 × 3 bytes, but 7 follow"},
        BadIdx{"OtherDimensions", std::string({0, 0, 8, 1}) + kMatrices.substr(4),
               " is not an IDX file of bytes with 3 dimensions: it starts with 0x00000801"},
        BadIdx{"OtherType", std::string({0, 0, 13, 3}) + kMatrices.substr(4),
               " is not an IDX file of bytes with 3 dimensions: it starts with 0x00000d03"},
        BadIdx{"NotIdx", "<html><body>Not found",
               " is not an IDX file of bytes with 3 dimensions: it starts with 0x3c68746d"},
        BadIdx{"AnEmptyDimension",
               WithExtents(std::string({0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3}), 0),
               " is truncated or corrupt: its header says 0 × 1 × 3 bytes, but 0 follow"},
        // 2³¹ · 2³¹ · 4 is 0 in 64 bits.
        BadIdx{"AProductThatOverflows",
               WithExtents(std::string({'\x80', 0, 0, 0, '\x80', 0, 0, 0, 0, 0, 0, 4}), 0),
               " is truncated or corrupt: its header says 2147483648 × 2147483648 × 4 bytes, but "
               "0 follow"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace lehr
