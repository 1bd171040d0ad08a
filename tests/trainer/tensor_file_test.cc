#include "trainer/tensor_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TensorFile Example() {
  TensorFile file;
  file.metadata = {{"task", "digits"}, {"quote\"", "\"crc32\":\"12345678\""}};
  file.tensors["b"] = {{2, 2}, {1, -2, 3.5, 1e-40F}};
  file.tensors["a"] = {{1}, {std::numeric_limits<float>::max()}};
  return file;
}

TEST(TensorFile, ReadsWhatItWrote) {
  const auto file = DecodeTensorFile(EncodeTensorFile(Example()));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->metadata, Example().metadata);
  EXPECT_EQ(file->tensors.size(), 2U);
  EXPECT_EQ(file->tensors.at("b").shape, Example().tensors.at("b").shape);
  EXPECT_EQ(file->tensors.at("b").values, Example().tensors.at("b").values);
  EXPECT_EQ(file->tensors.at("a").values, Example().tensors.at("a").values);
}

TEST(TensorFile, KeepsTheBitsOfNotANumber) {
  TensorFile file;
  file.tensors["a"] = {{2}, {std::nanf("5"), -std::numeric_limits<float>::infinity()}};
  const auto read = DecodeTensorFile(EncodeTensorFile(file));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(std::memcmp(read->tensors.at("a").values.data(), file.tensors["a"].values.data(), 8),
            0);
}

// As the published safetensors format has it, read here byte by byte.
TEST(TensorFile, IsASafetensorsFile) {
  const std::string bytes = EncodeTensorFile(Example());
  uint64_t header_size = 0;
  std::memcpy(&header_size, bytes.data(), 8);
  EXPECT_EQ(header_size % 8, 0U);
  const auto header = nlohmann::json::parse(bytes.substr(8, header_size));
  EXPECT_EQ(header.at("__metadata__").at("task"), "digits");
  EXPECT_EQ(header.at("a").at("dtype"), "F32");
  EXPECT_THAT(header.at("b").at("shape").get<std::vector<int>>(), ElementsAre(2, 2));
  EXPECT_THAT(header.at("a").at("data_offsets").get<std::vector<int>>(), ElementsAre(0, 4));
  EXPECT_THAT(header.at("b").at("data_offsets").get<std::vector<int>>(), ElementsAre(4, 20));
  EXPECT_EQ(bytes.size(), 8 + header_size + 20);
  float third = 0;
  std::memcpy(&third, bytes.data() + 8 + header_size + 12, 4);
  EXPECT_EQ(third, 3.5F);
}

TEST(TensorFile, EveryTruncationIsSeen) {
  const std::string bytes = EncodeTensorFile(Example());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(DecodeTensorFile(bytes.substr(0, size)).status().code(), absl::StatusCode::kDataLoss)
        << size;
  }
}

TEST(TensorFile, AnAddedByteIsSeen) {
  EXPECT_EQ(DecodeTensorFile(EncodeTensorFile(Example()) + "x").status().code(),
            absl::StatusCode::kDataLoss);
}

TEST(TensorFile, EveryChangedBitIsSeen) {
  std::string bytes = EncodeTensorFile(Example());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_FALSE(DecodeTensorFile(bytes).ok()) << "bit " << bit;
    bytes[bit / 8] ^= static_cast<char>(1 << bit % 8);
  }
  EXPECT_TRUE(DecodeTensorFile(bytes).ok());
}

TEST(TensorFile, AnotherFileIsRefused) {
  const absl::Status status =
      DecodeTensorFile("PK\3\4 this is a zip file, not a checkpoint").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("not a file of tensors"));
}

}  // namespace
}  // namespace lehr
