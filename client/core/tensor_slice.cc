#include "client/core/tensor_slice.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <numeric>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"

namespace lehr {

namespace {

bool HasElements(absl::Span<const std::uint64_t> extents) {
  return std::find(extents.begin(), extents.end(), 0) == extents.end();
}

// The last index of a tensor of these extents, none of which is 0; nothing beyond 64 bits.
std::optional<std::uint64_t> LastIndex(absl::Span<const std::uint64_t> extents) {
  std::uint64_t last = 0;
  for (const std::uint64_t extent : extents) {
    if (__builtin_mul_overflow(last, extent, &last) ||
        __builtin_add_overflow(last, extent - 1, &last)) {
      return std::nullopt;
    }
  }
  return last;
}

std::uint64_t Product(absl::Span<const std::uint64_t> factors) {
  return std::accumulate(factors.begin(), factors.end(), std::uint64_t{1}, std::multiplies<>());
}

// How many elements of the slice have an index below this one, and whether this one has one.
struct Place {
  std::uint64_t before;
  bool inside;
};

// The slice has elements. The index may lie beyond the tensor.
Place Locate(std::uint64_t index, const TensorSlice& slice) {
  const std::size_t dimensions = slice.shape.size();
  std::vector<std::uint64_t> position(dimensions);
  for (std::size_t d = dimensions; d-- > 1;) {
    position[d] = index % slice.shape[d];
    index /= slice.shape[d];
  }
  if (dimensions == 0) {
    return {.before = index > 0, .inside = index == 0};
  }
  position[0] = index;
  Place place = {.before = 0, .inside = true};
  std::uint64_t elements = Product(slice.size);  // That agree with the position so far.
  for (std::size_t d = 0; d < dimensions && place.inside; ++d) {
    elements /= slice.size[d];
    const std::uint64_t after_start = position[d] - std::min(position[d], slice.start[d]);
    place.before += elements * std::min(after_start, slice.size[d]);
    place.inside = position[d] >= slice.start[d] && after_start < slice.size[d];
  }
  return place;
}

}  // namespace

absl::Status CheckSlice(const TensorSlice& slice, std::uint64_t values) {
  const std::size_t dimensions = slice.shape.size();
  if (slice.start.size() != dimensions || slice.size.size() != dimensions) {
    return absl::InvalidArgumentError(
        absl::StrCat("a slice has ", dimensions, " dimensions in shape, ", slice.start.size(),
                     " in start and ", slice.size.size(), " in size"));
  }
  for (std::size_t d = 0; d < dimensions; ++d) {
    if (slice.start[d] > slice.shape[d] || slice.size[d] > slice.shape[d] - slice.start[d]) {
      return absl::InvalidArgumentError(
          absl::StrCat("a slice has ", slice.size[d], " elements from ", slice.start[d],
                       " on in dimension ", d, ", which has ", slice.shape[d]));
    }
  }
  if (HasElements(slice.shape) && !LastIndex(slice.shape)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a slice's shape ", absl::StrJoin(slice.shape, "x"), " has more than 2^64 elements"));
  }
  const std::uint64_t elements = Product(slice.size);
  // 2^64 of them would be 0 here.
  if (elements != values || (elements == 0 && HasElements(slice.size))) {
    return absl::InvalidArgumentError(absl::StrCat("a slice of ", absl::StrJoin(slice.size, "x"),
                                                   " elements, but there are ", values, " values"));
  }
  return absl::OkStatus();
}

bool ShareElement(const TensorSlice& a, const TensorSlice& b) {
  for (std::size_t d = 0; d < a.shape.size(); ++d) {
    if (std::max(a.start[d], b.start[d]) >=
        std::min(a.start[d] + a.size[d], b.start[d] + b.size[d])) {
      return false;
    }
  }
  return true;
}

bool HasElementIn(const TensorSlice& slice, std::uint64_t first_index, std::uint64_t last_index) {
  const Place last = Locate(last_index, slice);
  return last.inside || last.before > Locate(first_index, slice).before;
}

IndexRuns::IndexRuns(std::uint64_t first_index, std::uint64_t values)
    : first_index_(first_index), run_length_(values) {}

IndexRuns::IndexRuns(const TensorSlice& slice) : first_index_(0), run_length_(1) {
  std::uint64_t stride = 1;
  // While all inner dimensions are whole, the next one continues the run.
  bool continues = true;
  for (std::size_t d = slice.shape.size(); d-- > 0;) {
    first_index_ += slice.start[d] * stride;
    if (continues) {
      run_length_ *= slice.size[d];
    } else {
      outer_.insert(outer_.begin(), {slice.size[d], stride});
    }
    continues = continues && slice.size[d] == slice.shape[d];
    stride *= slice.shape[d];
  }
}

std::uint64_t IndexRuns::LastIndexOf(std::uint64_t values) const {
  return FirstIndexOf((values - 1) / run_length_) + (values - 1) % run_length_;
}

std::uint64_t IndexRuns::FirstIndexOf(std::uint64_t run) const {
  std::uint64_t index = first_index_;
  for (std::size_t d = outer_.size(); d-- > 0;) {
    index += run % outer_[d].size * outer_[d].stride;
    run /= outer_[d].size;
  }
  return index;
}

}  // namespace lehr
