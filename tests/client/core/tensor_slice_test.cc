#include "client/core/tensor_slice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The indices of the values begin to end - 1, one by one.
std::vector<std::uint64_t> Indices(const IndexRuns& runs, std::uint64_t begin, std::uint64_t end) {
  std::vector<std::uint64_t> indices;
  runs.ForEach(begin, end, [&](std::uint64_t index, std::uint64_t offset, std::uint64_t length) {
    EXPECT_EQ(offset, begin + indices.size());
    for (std::uint64_t i = 0; i < length; ++i) {
      indices.push_back(index + i);
    }
  });
  return indices;
}

std::uint64_t SizeOf(const TensorSlice& slice) {
  return std::accumulate(slice.size.begin(), slice.size.end(), std::uint64_t{1},
                         std::multiplies<>());
}

// By the definition: the index of every element of the tensor, and whether it lies in the slice.
std::vector<std::uint64_t> IndicesByDefinition(const TensorSlice& slice) {
  std::vector<std::uint64_t> indices;
  std::uint64_t elements = 1;
  for (const std::uint64_t size : slice.shape) {
    elements *= size;
  }
  for (std::uint64_t index = 0; index < elements; ++index) {
    std::uint64_t rest = index;
    bool inside = true;
    for (std::size_t d = slice.shape.size(); d-- > 0;) {
      const std::uint64_t at = rest % slice.shape[d];
      rest /= slice.shape[d];
      inside = inside && at >= slice.start[d] && at < slice.start[d] + slice.size[d];
    }
    if (inside) {
      indices.push_back(index);
    }
  }
  return indices;
}

TEST(IndexRuns, AFlatRangeIsOneRun) {
  const IndexRuns runs(/*first_index=*/100, /*values=*/5);
  EXPECT_THAT(Indices(runs, 0, 5), ElementsAre(100, 101, 102, 103, 104));
  EXPECT_THAT(Indices(runs, 2, 4), ElementsAre(102, 103));
}

TEST(IndexRuns, AScalarIsElementZero) {
  EXPECT_THAT(Indices(IndexRuns(TensorSlice{}), 0, 1), ElementsAre(0));
}

// Every slice of a small tensor of three dimensions.
TEST(IndexRuns, EverySliceHasTheIndicesOfItsElements) {
  const std::vector<std::uint64_t> shape = {3, 2, 4};
  TensorSlice slice = {.shape = shape, .start = {0, 0, 0}, .size = {0, 0, 0}};
  int slices = 0;
  for (slice.start[0] = 0; slice.start[0] < 3; ++slice.start[0]) {
    for (slice.start[1] = 0; slice.start[1] < 2; ++slice.start[1]) {
      for (slice.start[2] = 0; slice.start[2] < 4; ++slice.start[2]) {
        for (slice.size[0] = 0; slice.size[0] <= 3 - slice.start[0]; ++slice.size[0]) {
          for (slice.size[1] = 0; slice.size[1] <= 2 - slice.start[1]; ++slice.size[1]) {
            for (slice.size[2] = 0; slice.size[2] <= 4 - slice.start[2]; ++slice.size[2]) {
              ASSERT_TRUE(CheckSlice(slice, SizeOf(slice)).ok());
              const std::vector<std::uint64_t> expected = IndicesByDefinition(slice);
              EXPECT_EQ(Indices(IndexRuns(slice), 0, SizeOf(slice)), expected);
              ++slices;
            }
          }
        }
      }
    }
  }
  EXPECT_EQ(slices, 9 * 5 * 14);
}

TEST(IndexRuns, APartOfTheValuesHasItsPartOfTheIndices) {
  const TensorSlice slice = {.shape = {4, 5, 6}, .start = {1, 1, 2}, .size = {2, 3, 3}};
  const std::vector<std::uint64_t> whole = IndicesByDefinition(slice);
  for (std::uint64_t begin = 0; begin <= 18; ++begin) {
    for (std::uint64_t end = begin; end <= 18; ++end) {
      const auto first = whole.begin() + static_cast<std::ptrdiff_t>(begin);
      EXPECT_EQ(Indices(IndexRuns(slice), begin, end),
                std::vector(first, first + static_cast<std::ptrdiff_t>(end - begin)));
    }
  }
}

TEST(IndexRuns, RunsThatTouchAreOne) {
  const TensorSlice rows = {.shape = {1000, 64, 2}, .start = {10, 0, 0}, .size = {20, 64, 2}};
  int runs = 0;
  IndexRuns(rows).ForEach(0, 20 * 64 * 2,
                          [&](std::uint64_t index, std::uint64_t, std::uint64_t length) {
                            EXPECT_EQ(index, 10u * 64 * 2);
                            EXPECT_EQ(length, 20u * 64 * 2);
                            ++runs;
                          });
  EXPECT_EQ(runs, 1);
}

TEST(IndexRuns, IndicesGoBeyond32Bits) {
  const TensorSlice slice = {
      .shape = {1 << 20, 1 << 20}, .start = {(1 << 20) - 1, (1 << 20) - 2}, .size = {1, 2}};
  EXPECT_THAT(Indices(IndexRuns(slice), 0, 2),
              ElementsAre((std::uint64_t{1} << 40) - 2, (std::uint64_t{1} << 40) - 1));
}

std::string Complaint(const TensorSlice& slice, std::uint64_t values) {
  return std::string(CheckSlice(slice, values).message());
}

TEST(CheckSlice, NamesWhatDoesNotFit) {
  EXPECT_THAT(Complaint({.shape = {4, 4}, .start = {0, 2}, .size = {4, 3}}, 12),
              HasSubstr("3 elements from 2 on in dimension 1, which has 4"));
  EXPECT_THAT(Complaint({.shape = {4, 4}, .start = {0, 5}, .size = {4, 0}}, 0),
              HasSubstr("from 5 on"));
  EXPECT_THAT(Complaint({.shape = {4, 4}, .start = {0}, .size = {4, 4}}, 16),
              HasSubstr("2 dimensions in shape, 1 in start and 2 in size"));
  EXPECT_THAT(Complaint({.shape = {4, 4}, .start = {0, 0}, .size = {4, 2}}, 9),
              HasSubstr("a slice of 4x2 elements, but there are 9 values"));
}

// Indices have 64 bits: 2^64 elements are all right, and where there are none, so is any shape.
// Python's TensorSlice has the same cases in tests/client/python/test_slices.py.
TEST(CheckSlice, AShapeHasAtMost2To64Elements) {
  const std::uint64_t half = std::uint64_t{1} << 32;
  const std::uint64_t huge = std::uint64_t{1} << 40;
  EXPECT_TRUE(CheckSlice({.shape = {half, half}, .start = {0, 0}, .size = {1, 1}}, 1).ok());
  EXPECT_TRUE(
      CheckSlice({.shape = {1, half, half}, .start = {0, 7, 7}, .size = {1, 2, 3}}, 6).ok());
  EXPECT_TRUE(
      CheckSlice({.shape = {huge, huge, 0}, .start = {0, 0, 0}, .size = {1, 1, 0}}, 0).ok());
  EXPECT_TRUE(
      CheckSlice({.shape = {0, huge, huge}, .start = {0, 0, 0}, .size = {0, 1, 1}}, 0).ok());
  EXPECT_THAT(Complaint({.shape = {half + 1, half}, .start = {0, 0}, .size = {1, 1}}, 1),
              HasSubstr("shape 4294967297x4294967296 has more than 2^64 elements"));
  // As many values as 2^64 modulo 2^64.
  EXPECT_THAT(Complaint({.shape = {half, half}, .start = {0, 0}, .size = {half, half}}, 0),
              HasSubstr("a slice of 4294967296x4294967296 elements, but there are 0 values"));
}

TEST(IndexRuns, TheLastIndexOf2To64) {
  const std::uint64_t half = std::uint64_t{1} << 32;
  const TensorSlice corner = {
      .shape = {1, half, half}, .start = {0, half - 2, half - 3}, .size = {1, 2, 3}};
  const IndexRuns runs(corner);
  EXPECT_EQ(runs.LastIndexOf(6), ~std::uint64_t{0});
  EXPECT_EQ(runs.FirstIndex(), ~std::uint64_t{0} - half - 2);
}

}  // namespace
}  // namespace lehr
