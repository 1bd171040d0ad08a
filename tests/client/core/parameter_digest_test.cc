#include "client/core/parameter_digest.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/client/core/golden_vectors.h"

namespace lehr {
namespace {

// The rows of the oracle as tensors of one element.
class GoldenElements {
 public:
  GoldenElements() : rows_(ReadGolden("parameter_digest.csv")) {
    for (const GoldenRow& row : rows_) {
      values_.push_back(row.Float("theta"));
    }
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      tensors_.push_back({.name = rows_[i].Text("tensor"),
                          .values = absl::MakeSpan(&values_[i], 1),
                          .first_index = rows_[i].Word("index")});
      sum_ += rows_[i].Word("digest");
    }
  }

  const std::vector<GoldenRow>& rows() const { return rows_; }
  const std::vector<Tensor>& tensors() const { return tensors_; }
  std::uint64_t sum() const { return sum_; }

 private:
  std::vector<GoldenRow> rows_;
  std::vector<float> values_;
  std::vector<Tensor> tensors_;
  std::uint64_t sum_ = 0;
};

TEST(ParameterDigestTest, AnElementHasTheDigestOfTheOracle) {
  const GoldenElements golden;
  for (std::size_t i = 0; i < golden.rows().size(); ++i) {
    EXPECT_EQ(ParameterDigest({golden.tensors()[i]}), golden.rows()[i].Word("digest")) << i;
  }
}

template <typename Element>
std::uint64_t DigestOfElement(const GoldenRow& row, Element value) {
  return ParameterDigest({{.name = row.Text("tensor"),
                           .values = absl::MakeSpan(&value, 1),
                           .first_index = row.Word("index")}});
}

TEST(ParameterDigestTest, AnElementOfAnotherFormatHasTheDigestOfTheOracle) {
  std::map<std::string, int> rows;
  for (const GoldenRow& row : ReadGolden("parameter_digest_formats.csv")) {
    const std::string& type = row.Text("element_type");
    const std::uint64_t theta = row.Word("theta");
    const auto half = static_cast<std::uint16_t>(theta);
    const std::uint64_t digest = type == "float64"
                                     ? DigestOfElement(row, std::bit_cast<double>(theta))
                                 : type == "bfloat16" ? DigestOfElement(row, Bfloat16{half})
                                                      : DigestOfElement(row, Float16{half});
    EXPECT_EQ(digest, row.Word("digest")) << type << " " << row.Text("theta");
    ++rows[type];
  }
  EXPECT_EQ(rows, (std::map<std::string, int>{{"bfloat16", 9}, {"float16", 9}, {"float64", 9}}));
}

TEST(ParameterDigestTest, IsTheSumOverElements) {
  const GoldenElements golden;
  EXPECT_EQ(ParameterDigest(golden.tensors()), golden.sum());
}

TEST(ParameterDigestTest, DoesNotDependOnTheCuttingOfATensor) {
  std::vector<float> values = {1, -2, 3, -4, 5};
  const auto whole = absl::MakeSpan(values);
  const Tensor parts[] = {{.name = "w", .values = whole.subspan(3), .first_index = 1003},
                          {.name = "w", .values = whole.first(3), .first_index = 1000}};
  EXPECT_EQ(ParameterDigest(parts),
            ParameterDigest({{.name = "w", .values = whole, .first_index = 1000}}));
}

TEST(ParameterDigestTest, SeesTwoValuesThatChangedPlaces) {
  std::vector<float> values = {1, 2};
  std::vector<float> exchanged = {2, 1};
  EXPECT_NE(ParameterDigest({{.name = "w", .values = absl::MakeSpan(values)}}),
            ParameterDigest({{.name = "w", .values = absl::MakeSpan(exchanged)}}));
}

TEST(ParameterDigestTest, OfNothingIsZero) { EXPECT_EQ(ParameterDigest({}), 0u); }

}  // namespace
}  // namespace lehr
