// Every way in which data-, tensor- and pipeline-parallel trainers cut their parameters: the parts
// get the numbers that they have in the whole, on any number of threads.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "client/core/noise.h"
#include "client/core/parameter_digest.h"
#include "client/core/perturbation.h"

namespace lehr {
namespace {

constexpr std::uint64_t kRows = 37;
constexpr std::uint64_t kColumns = 150;

Perturbation Command() {
  return {
      .id = 1, .seed = 42, .stddev = 0.5f, .shrink = 0.5f, .noise_spec = std::string(kNoiseSpec)};
}

std::vector<float> Initial(std::uint64_t size) {
  std::vector<float> values(size);
  for (std::uint64_t i = 0; i < size; ++i) {
    values[i] = static_cast<float>(i);
  }
  return values;
}

// A matrix of kRows x kColumns, perturbed whole.
std::vector<float> PerturbedWhole() {
  std::vector<float> whole = Initial(kRows * kColumns);
  const Tensor tensors[] = {{.name = "weight", .values = absl::MakeSpan(whole)}};
  EXPECT_TRUE(ApplyPerturbation(Command(), tensors).ok());
  return whole;
}

// The ranges that `parts` ranks hold of `size`, the last ones smaller.
std::vector<std::pair<std::uint64_t, std::uint64_t>> Cut(std::uint64_t size, std::uint64_t parts) {
  const std::uint64_t step = (size + parts - 1) / parts;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (std::uint64_t start = 0; start < size; start += step) {
    ranges.emplace_back(start, std::min(step, size - start));
  }
  return ranges;
}

// Perturbs one rectangle of the matrix on its own, as the rank that holds it would, and returns
// its digest.
std::uint64_t PerturbRectangle(std::uint64_t first_row, std::uint64_t rows,
                               std::uint64_t first_column, std::uint64_t columns,
                               std::vector<float>& gathered) {
  const std::vector<float> initial = Initial(kRows * kColumns);
  std::vector<float> local(rows * columns);
  const auto place = [&](std::uint64_t i) {
    return (first_row + i / columns) * kColumns + first_column + i % columns;
  };
  for (std::uint64_t i = 0; i < local.size(); ++i) {
    local[i] = initial[place(i)];
  }
  const Tensor tensors[] = {{.name = "weight",
                             .values = absl::MakeSpan(local),
                             .slice = TensorSlice{.shape = {kRows, kColumns},
                                                  .start = {first_row, first_column},
                                                  .size = {rows, columns}}}};
  EXPECT_TRUE(ApplyPerturbation(Command(), tensors).ok());
  for (std::uint64_t i = 0; i < local.size(); ++i) {
    gathered[place(i)] = local[i];
  }
  return ParameterDigest(tensors);
}

void ExpectTheWhole(const std::vector<float>& gathered, std::uint64_t digest) {
  std::vector<float> whole = PerturbedWhole();
  EXPECT_EQ(gathered, whole);
  EXPECT_EQ(digest, ParameterDigest({{.name = "weight", .values = absl::MakeSpan(whole)}}));
}

TEST(Sharding, RowParallel) {
  std::vector<float> gathered(kRows * kColumns);
  std::uint64_t digest = 0;
  for (const auto& [start, size] : Cut(kRows, 4)) {
    digest += PerturbRectangle(start, size, 0, kColumns, gathered);
  }
  ExpectTheWhole(gathered, digest);
}

TEST(Sharding, ColumnParallel) {
  std::vector<float> gathered(kRows * kColumns);
  std::uint64_t digest = 0;
  for (const auto& [start, size] : Cut(kColumns, 8)) {
    digest += PerturbRectangle(0, kRows, start, size, gathered);
  }
  ExpectTheWhole(gathered, digest);
}

TEST(Sharding, RowsAndColumns) {
  std::vector<float> gathered(kRows * kColumns);
  std::uint64_t digest = 0;
  for (const auto& [row, rows] : Cut(kRows, 3)) {
    for (const auto& [column, columns] : Cut(kColumns, 2)) {
      digest += PerturbRectangle(row, rows, column, columns, gathered);
    }
  }
  ExpectTheWhole(gathered, digest);
}

// FSDP flattens the parameters of a layer one behind another, pads them and gives each rank an
// equal range; ZeRO does so with those of the whole model. A rank then holds flat ranges of some
// tensors, which begin and end anywhere.
TEST(Sharding, FlatRangesOverSeveralTensors) {
  const std::vector<std::pair<std::string, std::uint64_t>> parameters = {
      {"layers.0.weight", 1001}, {"layers.0.bias", 7}, {"layers.1.weight", 500}};
  constexpr std::uint64_t kFlat = 1001 + 7 + 500;
  std::vector<float> whole = Initial(kFlat);
  std::vector<Tensor> tensors;
  std::uint64_t first = 0;
  for (const auto& [name, size] : parameters) {
    tensors.push_back({.name = name, .values = absl::MakeSpan(whole).subspan(first, size)});
    first += size;
  }
  ASSERT_TRUE(ApplyPerturbation(Command(), tensors).ok());

  std::vector<float> gathered = Initial(kFlat);
  for (const auto& [begin, size] : Cut(kFlat, 5)) {
    const std::uint64_t end = begin + size;
    std::vector<Tensor> held;
    std::uint64_t start = 0;
    for (const auto& [name, tensor_size] : parameters) {
      const std::uint64_t from = std::max(begin, start);
      const std::uint64_t to = std::min(end, start + tensor_size);
      if (from < to) {
        held.push_back({.name = "_fsdp_wrapped_module." + name,
                        .values = absl::MakeSpan(gathered).subspan(from, to - from),
                        .first_index = from - start});
      }
      start += tensor_size;
    }
    ASSERT_TRUE(ApplyPerturbation(Command(), held).ok());
  }
  EXPECT_EQ(gathered, whole);
}

TEST(Sharding, AnyNumberOfThreads) {
  const std::vector<float> whole = PerturbedWhole();
  for (unsigned threads = 1; threads <= 9; ++threads) {
    std::vector<float> values = Initial(kRows * kColumns);
    // Two parts, so that the threads' shares begin and end in both.
    const Tensor tensors[] = {
        {.name = "weight",
         .values = absl::MakeSpan(values).first(20 * kColumns),
         .slice = TensorSlice{.shape = {kRows, kColumns}, .start = {0, 0}, .size = {20, kColumns}}},
        {.name = "weight",
         .values = absl::MakeSpan(values).subspan(20 * kColumns),
         .first_index = 20 * kColumns}};
    const auto result = ApplyPerturbation(Command(), tensors, threads);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->perturbed, whole.size());
    EXPECT_EQ(values, whole) << threads;
  }
}

TEST(Sharding, PartsThatOverlapAreRefused) {
  std::vector<float> left(kRows * 100);
  std::vector<float> right(kRows * 100);
  const auto columns = [](std::vector<float>& values, std::uint64_t start) {
    return Tensor{.name = "weight",
                  .values = absl::MakeSpan(values),
                  .slice = TensorSlice{
                      .shape = {kRows, kColumns}, .start = {0, start}, .size = {kRows, 100}}};
  };
  const Tensor overlapping[] = {columns(left, 0), columns(right, 50)};
  const absl::Status status = ApplyPerturbation(Command(), overlapping).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(left, std::vector<float>(kRows * 100));
}

TEST(Sharding, SlicesOfOneTensorHaveOneShape) {
  std::vector<float> top(4);
  std::vector<float> bottom(4);
  const Tensor tensors[] = {
      {.name = "weight",
       .values = absl::MakeSpan(top),
       .slice = TensorSlice{.shape = {2, 4}, .start = {0, 0}, .size = {1, 4}}},
      {.name = "module.weight",
       .values = absl::MakeSpan(bottom),
       .slice = TensorSlice{.shape = {4, 4}, .start = {1, 0}, .size = {1, 4}}}};
  EXPECT_EQ(
      PreparedPerturbation::Make(Command(), tensors).status().message(),
      "tensors 'weight' and 'module.weight' are one, and have slices of the shapes 2x4 and 4x4");
}

TEST(Sharding, ASliceThatDoesNotFitIsRefusedByName) {
  std::vector<float> values(10);
  const Tensor tensors[] = {
      {.name = "weight",
       .values = absl::MakeSpan(values),
       .slice = TensorSlice{.shape = {4, 4}, .start = {0, 0}, .size = {4, 4}}}};
  const absl::Status status = PreparedPerturbation::Make(Command(), tensors).status();
  EXPECT_EQ(status.message(), "tensor 'weight': a slice of 4x4 elements, but there are 10 values");
}

}  // namespace
}  // namespace lehr
