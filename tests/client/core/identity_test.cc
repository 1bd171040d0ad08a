#include "client/core/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace lehr {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// The element (r, c) of rows of `side` is 1 where r is c: by its two indices, not by their sum.
std::vector<float> Expected(std::uint64_t side) {
  std::vector<float> elements;
  for (std::uint64_t r = 0; r < side; ++r) {
    for (std::uint64_t c = 0; c < side; ++c) {
      elements.push_back(r == c ? 1.0F : 0.0F);
    }
  }
  return elements;
}

std::uint64_t Apply(const Tensor& tensor) {
  const auto prepared = PreparedIdentity::Make({&tensor, 1});
  EXPECT_TRUE(prepared.ok()) << prepared.status();
  return prepared.ok() ? prepared->Apply() : 0;
}

std::string Complaint(const Tensor& tensor) {
  const absl::Status status = PreparedIdentity::Make({&tensor, 1}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(Identity, IsOneOnTheDiagonalAndZeroElsewhereWhateverWasThere) {
  std::vector<float> weights = {kNan, -0.0F, 3,     -std::numeric_limits<float>::infinity(), 5, 6,
                                7,    8,     1e-42F};
  EXPECT_EQ(Apply({.name = "w", .values = absl::MakeSpan(weights), .side = 3}), 9u);
  EXPECT_THAT(weights, ElementsAre(1, 0, 0, 0, 1, 0, 0, 0, 1));
  EXPECT_FALSE(
      std::any_of(weights.begin(), weights.end(), [](float w) { return std::signbit(w); }));
}

TEST(Identity, IsExactInEachFormat) {
  std::vector<double> doubles(4, 0.3);
  Apply({.name = "w", .values = absl::MakeSpan(doubles), .side = 2});
  EXPECT_THAT(doubles, ElementsAre(1, 0, 0, 1));

  const auto bits = [](auto halves) {
    std::vector<std::uint16_t> result;
    for (const auto half : halves) {
      result.push_back(half.bits);
    }
    return result;
  };
  std::vector<Bfloat16> bfloats(4, Bfloat16{0xFFFF});
  Apply({.name = "w", .values = absl::MakeSpan(bfloats), .side = 2});
  EXPECT_THAT(bits(bfloats), ElementsAre(0x3F80, 0, 0, 0x3F80));
  std::vector<Float16> halves(4, Float16{0x8000});
  Apply({.name = "w", .values = absl::MakeSpan(halves), .side = 2});
  EXPECT_THAT(bits(halves), ElementsAre(0x3C00, 0, 0, 0x3C00));
}

TEST(Identity, EveryFlatRangeGetsItsPartOfTheWhole) {
  constexpr std::uint32_t kSide = 5;
  const std::vector<float> whole = Expected(kSide);
  for (std::uint64_t first = 0; first < whole.size(); ++first) {
    for (std::uint64_t size = 0; size <= whole.size() - first; ++size) {
      std::vector<float> part(size, 7);
      EXPECT_EQ(
          Apply({.name = "w", .values = absl::MakeSpan(part), .first_index = first, .side = kSide}),
          size);
      EXPECT_EQ(part, std::vector<float>(whole.begin() + static_cast<int64_t>(first),
                                         whole.begin() + static_cast<int64_t>(first + size)))
          << first << ", " << size;
    }
  }
}

TEST(Identity, EveryRectangleGetsItsPartOfTheWhole) {
  constexpr std::uint64_t kSide = 4;
  for (std::uint64_t top = 0; top < kSide; ++top) {
    for (std::uint64_t left = 0; left < kSide; ++left) {
      for (std::uint64_t rows = 1; rows <= kSide - top; ++rows) {
        for (std::uint64_t columns = 1; columns <= kSide - left; ++columns) {
          std::vector<float> part(rows * columns, 7);
          Apply({.name = "w",
                 .values = absl::MakeSpan(part),
                 .slice = TensorSlice{{kSide, kSide}, {top, left}, {rows, columns}},
                 .side = kSide});
          for (std::uint64_t i = 0; i < part.size(); ++i) {
            EXPECT_EQ(part[i], top + i / columns == left + i % columns ? 1 : 0)
                << top << ' ' << left << ' ' << rows << ' ' << columns << ' ' << i;
          }
        }
      }
    }
  }
}

// As a sharder that flattens the tensor sees it.
TEST(Identity, ASliceMayHaveAnotherShapeOfAsManyElements) {
  std::vector<float> part(3, 7);
  Apply({.name = "w",
         .values = absl::MakeSpan(part),
         .slice = TensorSlice{.shape = {9}, .start = {3}, .size = {3}},
         .side = 3});
  EXPECT_THAT(part, ElementsAre(0, 1, 0));
}

TEST(Identity, LeavesOtherTensorsAlone) {
  std::vector<float> weights(4, 7);
  std::vector<float> others(4, 7);
  const Tensor tensors[] = {{.name = "other", .values = absl::MakeSpan(others)},
                            {.name = "w", .values = absl::MakeSpan(weights), .side = 2}};
  const auto prepared = PreparedIdentity::Make(tensors);
  ASSERT_TRUE(prepared.ok());
  EXPECT_THAT(weights, Each(7));
  EXPECT_EQ(prepared->Apply(), 4u);
  EXPECT_THAT(weights, ElementsAre(1, 0, 0, 1));
  EXPECT_THAT(others, Each(7));
}

TEST(Identity, OfNoTensorIsNoError) {
  const auto prepared = PreparedIdentity::Make({});
  ASSERT_TRUE(prepared.ok());
  EXPECT_EQ(prepared->Apply(), 0u);
}

TEST(Identity, TheGreatestSideHasItsLastElementOnTheDiagonal) {
  constexpr std::uint32_t kSide = 1u << 20;
  std::vector<float> last(2, 7);
  const std::uint64_t elements = std::uint64_t{1} << 40;
  Apply({.name = "w", .values = absl::MakeSpan(last), .first_index = elements - 2, .side = kSide});
  EXPECT_THAT(last, ElementsAre(0, 1));
}

TEST(Identity, WhatReachesBeyondTheSquareIsRefusedWithItsNumbers) {
  std::vector<float> values(5, 7);
  EXPECT_THAT(Complaint({.name = "w", .values = absl::MakeSpan(values), .side = 2}),
              AllOf(HasSubstr("'w'"), HasSubstr("5 values"), HasSubstr("index 0"),
                    HasSubstr("2 rows"), HasSubstr("4 elements")));
  EXPECT_THAT(
      Complaint({.name = "w", .values = absl::MakeSpan(values), .first_index = 5, .side = 3}),
      AllOf(HasSubstr("index 5"), HasSubstr("9 elements")));
  EXPECT_THAT(values, Each(7));
}

TEST(Identity, ASliceOfATensorOfAnotherSizeIsRefusedWithItsShape) {
  std::vector<float> values(4, 7);
  EXPECT_THAT(Complaint({.name = "w",
                         .values = absl::MakeSpan(values),
                         .slice = TensorSlice{{4, 3}, {0, 0}, {2, 2}},
                         .side = 4}),
              AllOf(HasSubstr("4x3"), HasSubstr("4 rows")));
  EXPECT_THAT(Complaint({.name = "w",
                         .values = absl::MakeSpan(values),
                         .slice = TensorSlice{{4, 5}, {0, 0}, {2, 2}},
                         .side = 4}),
              HasSubstr("4x5"));
  EXPECT_THAT(Complaint({.name = "w",
                         .values = absl::MakeSpan(values),
                         .slice = TensorSlice{{4, 4}, {3, 0}, {2, 2}},
                         .side = 4}),
              HasSubstr("dimension 0"));
}

TEST(Identity, TensorsThatOverlapAreRefused) {
  std::vector<float> values(4, 7);
  const Tensor tensors[] = {{.name = "a", .values = absl::MakeSpan(values), .side = 2},
                            {.name = "b", .values = absl::MakeSpan(values), .side = 2}};
  EXPECT_EQ(PreparedIdentity::Make(tensors).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace lehr
