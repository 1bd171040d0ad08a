#include "client/core/tensor_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/client/core/golden_vectors.h"

namespace lehr {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Message(const std::vector<std::string>& names) {
  return std::string(CheckTensorNames(names).message());
}

TEST(TensorNameTest, WrapperPrefixesAreStripped) {
  for (const GoldenRow& row : ReadGolden("tensor_names.csv")) {
    EXPECT_EQ(CanonicalTensorName(row.Text("name")), row.Text("canonical"));
  }
}

TEST(TensorNameTest, IdsAreThoseOfHashlib) {
  for (const GoldenRow& row : ReadGolden("tensor_names.csv")) {
    EXPECT_EQ(TensorId(row.Text("name")), row.Word("id")) << row.Text("name");
  }
}

TEST(CheckTensorNamesTest, AcceptsDifferentNames) {
  EXPECT_TRUE(CheckTensorNames({"weight", "bias", "layers.0.weight"}).ok());
}

TEST(CheckTensorNamesTest, RefusesAnEmptyName) {
  EXPECT_EQ(CheckTensorNames({"weight", ""}).code(), absl::StatusCode::kInvalidArgument);
}

TEST(CheckTensorNamesTest, RefusesANameThatComesTwice) {
  EXPECT_THAT(Message({"weight", "bias", "weight"}), HasSubstr("'weight' and 'weight'"));
}

TEST(CheckTensorNamesTest, RefusesNamesThatAWrapperTellsApart) {
  EXPECT_THAT(Message({"a.weight", "module.a.weight"}),
              AllOf(HasSubstr("'a.weight'"), HasSubstr("'module.a.weight'"),
                    HasSubstr("same canonical name")));
}

// Two names whose SHA-256 begin with the same 8 bytes, 5d7c5c2c9303f166 (found by a search of 2.7e9
// hashes; sha256sum confirms it).
TEST(CheckTensorNamesTest, RefusesDifferentNamesWithTheSameId) {
  EXPECT_THAT(Message({"net.hioebiecjnmodoeh", "net.kpbpffmddfpeabff"}),
              AllOf(HasSubstr("'net.hioebiecjnmodoeh'"), HasSubstr("'net.kpbpffmddfpeabff'"),
                    HasSubstr("same id 0x5d7c5c2c9303f166")));
}

}  // namespace
}  // namespace lehr
