#include "client/core/tensor_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "client/core/tensor_name.h"

namespace lehr {
namespace {

std::uint64_t Product(const std::vector<std::uint64_t>& factors) {
  return std::accumulate(factors.begin(), factors.end(), std::uint64_t{1}, std::multiplies<>());
}

// A flat range or a slice of a tensor of this shape, the values in the room that `room` has left.
Tensor AnyPart(const std::vector<std::uint64_t>& shape, absl::Span<float>& room,
               std::mt19937_64& random) {
  Tensor part = {.name = "weight"};
  std::uint64_t count = 0;
  if (random() % 3 == 0) {
    part.first_index = random() % Product(shape);
    // Also beyond the end: a flat range does not know the tensor's.
    count = random() % 6;
  } else {
    TensorSlice slice = {.shape = shape, .start = {}, .size = {}};
    for (const std::uint64_t extent : shape) {
      slice.start.push_back(random() % extent);
      slice.size.push_back(random() % (extent - slice.start.back() + 1));
    }
    count = Product(slice.size);
    part.slice = slice;
  }
  part.values = room.first(count);
  room.remove_prefix(count);
  return part;
}

// Whether no index is in two of them, one by one.
bool AreDisjointByDefinition(const std::vector<Tensor>& parts) {
  std::set<std::uint64_t> seen;
  std::uint64_t count = 0;
  for (const Tensor& part : parts) {
    RunsOf(part).ForEach(0, SizeOf(part.values),
                         [&](std::uint64_t index, std::uint64_t, std::uint64_t length) {
                           for (std::uint64_t i = 0; i < length; ++i) {
                             seen.insert(index + i);
                           }
                           count += length;
                         });
  }
  return seen.size() == count;
}

TEST(CheckTensorsTest, RefusesAsTheDefinitionDoesWhatSharesAnIndex) {
  std::mt19937_64 random(1);
  int refused = 0;
  constexpr int kRounds = 20'000;
  std::vector<float> values(1000);
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::uint64_t> shape(random() % 4);
    std::generate(shape.begin(), shape.end(), [&] { return 1 + random() % 5; });
    absl::Span<float> room = absl::MakeSpan(values);
    std::vector<Tensor> parts;
    for (std::uint64_t number = 2 + random() % 3; number-- > 0;) {
      parts.push_back(AnyPart(shape, room, random));
    }
    const absl::Status status = CheckTensors(parts).status();
    ASSERT_EQ(status.ok(), AreDisjointByDefinition(parts)) << "round " << round << ": " << status;
    refused += !status.ok();
  }
  EXPECT_GT(refused, kRounds / 4);
  EXPECT_LT(refused, 3 * kRounds / 4);
}

TEST(CheckTensorsTest, GivesTheIdsOfAllTensorsInTheirOrder) {
  std::vector<float> values(3);
  const auto span = absl::MakeSpan(values);
  const Tensor parts[] = {{.name = "weight", .values = span.first(2)},
                          {.name = "empty", .values = span.first(0)},
                          {.name = "module.weight", .values = span.last(1), .first_index = 2}};
  EXPECT_EQ(
      CheckTensors(parts).value(),
      (std::vector<std::uint64_t>{TensorId("weight"), TensorId("empty"), TensorId("weight")}));
}

TEST(CheckTensorsTest, PartsThatAreNotNeighboursInOrderMeetToo) {
  std::vector<float> values(9);
  const auto span = absl::MakeSpan(values);
  // The column reaches from index 0 to 8; the ranges within stand before the one that meets it.
  const Tensor parts[] = {
      {.name = "weight",
       .values = span.first(3),
       .slice = TensorSlice{.shape = {3, 4}, .start = {0, 0}, .size = {3, 1}}},
      {.name = "weight", .values = span.subspan(3, 2), .first_index = 1},
      {.name = "module.weight", .values = span.subspan(5, 2), .first_index = 7}};
  EXPECT_EQ(CheckTensors(parts).status().message(),
            "tensors 'weight' and 'module.weight' overlap in indices; list a tied tensor once");
}

}  // namespace
}  // namespace lehr
