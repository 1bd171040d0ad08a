#include "client/core/tensor_check.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/core/tensor_name.h"

namespace lehr {
namespace {

// A range of addresses or of indices, both ends included.
struct Extent {
  std::uint64_t first;
  std::uint64_t last;
  const Tensor* tensor;
};

absl::Status CheckDisjoint(std::vector<Extent> extents, const char* what) {
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.first < b.first; });
  for (std::size_t i = 1; i < extents.size(); ++i) {
    if (extents[i - 1].last >= extents[i].first) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensors '", extents[i - 1].tensor->name, "' and '", extents[i].tensor->name,
                       "' overlap in ", what, "; list a tied tensor once"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckIndices(const Tensor& tensor) {
  const std::size_t size = SizeOf(tensor.values);
  if (tensor.slice) {
    const absl::Status status = CheckSlice(*tensor.slice, size);
    return status.ok() ? status
                       : absl::InvalidArgumentError(absl::StrCat(
                             "tensor '", tensor.name, "': ", std::string(status.message())));
  }
  if (size > 0 && tensor.first_index > std::numeric_limits<std::uint64_t>::max() - (size - 1)) {
    return absl::InvalidArgumentError(absl::StrCat("tensor '", tensor.name, "' has ", size,
                                                   " values from index ", tensor.first_index,
                                                   " on: beyond 64 bits"));
  }
  return absl::OkStatus();
}

Extent MemoryOf(const Tensor& tensor) {
  return std::visit(
      [&](const auto& values) {
        const auto address = reinterpret_cast<std::uintptr_t>(values.data());
        return Extent{address, address + values.size() * sizeof(values[0]) - 1, &tensor};
      },
      tensor.values);
}

absl::Status CheckShapesEqual(absl::Span<const Tensor* const> parts_of_one) {
  const Tensor* first = nullptr;
  for (const Tensor* part : parts_of_one) {
    if (part->slice && first != nullptr && part->slice->shape != first->slice->shape) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tensors '", first->name, "' and '", part->name,
          "' are one, and have slices of the shapes ", absl::StrJoin(first->slice->shape, "x"),
          " and ", absl::StrJoin(part->slice->shape, "x")));
    }
    first = part->slice ? part : first;
  }
  return absl::OkStatus();
}

absl::Status CheckIndicesDisjoint(absl::Span<const Tensor* const> parts_of_one) {
  std::vector<Extent> extents;
  for (const Tensor* part : parts_of_one) {
    RunsOf(*part).ForEach(0, SizeOf(part->values),
                          [&](std::uint64_t index, std::uint64_t, std::uint64_t length) {
                            extents.push_back({index, index + length - 1, part});
                          });
  }
  return CheckDisjoint(std::move(extents), "indices");
}

}  // namespace

absl::Status CheckTensors(absl::Span<const Tensor> tensors) {
  std::vector<Extent> memory;
  std::map<std::uint64_t, std::vector<const Tensor*>> parts_by_id;
  for (const Tensor& tensor : tensors) {
    if (tensor.name.empty()) {
      return absl::InvalidArgumentError("a tensor has an empty name");
    }
    if (absl::Status status = CheckIndices(tensor); !status.ok()) {
      return status;
    }
    if (SizeOf(tensor.values) > 0) {
      memory.push_back(MemoryOf(tensor));
      parts_by_id[TensorId(tensor.name)].push_back(&tensor);
    }
  }
  if (absl::Status status = CheckDisjoint(std::move(memory), "memory"); !status.ok()) {
    return status;
  }
  for (const auto& [id, parts] : parts_by_id) {
    // The runs of a part are disjoint.
    if (parts.size() == 1) {
      continue;
    }
    if (absl::Status status = CheckShapesEqual(parts); !status.ok()) {
      return status;
    }
    if (absl::Status status = CheckIndicesDisjoint(parts); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace lehr
