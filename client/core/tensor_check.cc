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

absl::Status Overlap(const Tensor& a, const Tensor& b, const char* what) {
  return absl::InvalidArgumentError(absl::StrCat(
      "tensors '", a.name, "' and '", b.name, "' overlap in ", what, "; list a tied tensor once"));
}

void SortByFirst(std::vector<Extent>& extents) {
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.first < b.first; });
}

absl::Status CheckMemoryDisjoint(std::vector<Extent> extents) {
  SortByFirst(extents);
  for (std::size_t i = 1; i < extents.size(); ++i) {
    if (extents[i - 1].last >= extents[i].first) {
      return Overlap(*extents[i - 1].tensor, *extents[i].tensor, "memory");
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

// Whether two parts of one tensor, whose extents meet, have an index in common.
bool ShareIndex(const Extent& a, const Extent& b) {
  if (a.tensor->slice && b.tensor->slice) {
    return ShareElement(*a.tensor->slice, *b.tensor->slice);
  }
  if (a.tensor->slice) {
    return HasElementIn(*a.tensor->slice, b.first, b.last);
  }
  return !b.tensor->slice || HasElementIn(*b.tensor->slice, a.first, a.last);
}

// Asks only of parts whose extents meet.
absl::Status CheckIndicesDisjoint(absl::Span<const Tensor* const> parts_of_one) {
  std::vector<Extent> extents;
  for (const Tensor* part : parts_of_one) {
    const IndexRuns runs = RunsOf(*part);
    extents.push_back({runs.FirstIndex(), runs.LastIndexOf(SizeOf(part->values)), part});
  }
  SortByFirst(extents);
  std::vector<Extent> before;  // That reach as far as the next one.
  for (const Extent& extent : extents) {
    before.erase(std::remove_if(before.begin(), before.end(),
                                [&](const Extent& earlier) { return earlier.last < extent.first; }),
                 before.end());
    for (const Extent& earlier : before) {
      if (ShareIndex(earlier, extent)) {
        return Overlap(*earlier.tensor, *extent.tensor, "indices");
      }
    }
    before.push_back(extent);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::uint64_t>> CheckTensors(absl::Span<const Tensor> tensors) {
  std::vector<std::uint64_t> ids;
  std::vector<Extent> memory;
  std::map<std::uint64_t, std::vector<const Tensor*>> parts_by_id;
  for (const Tensor& tensor : tensors) {
    if (tensor.name.empty()) {
      return absl::InvalidArgumentError("a tensor has an empty name");
    }
    if (absl::Status status = CheckIndices(tensor); !status.ok()) {
      return status;
    }
    ids.push_back(TensorId(tensor.name));
    if (SizeOf(tensor.values) > 0) {
      memory.push_back(MemoryOf(tensor));
      parts_by_id[ids.back()].push_back(&tensor);
    }
  }
  if (absl::Status status = CheckMemoryDisjoint(std::move(memory)); !status.ok()) {
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
  return ids;
}

}  // namespace lehr
