#include "client/core/tensor_slice.h"

#include <cstddef>

#include "absl/strings/str_cat.h"

namespace lehr {

absl::Status CheckSlice(const TensorSlice& slice, std::uint64_t values) {
  const std::size_t dimensions = slice.shape.size();
  if (slice.start.size() != dimensions || slice.size.size() != dimensions) {
    return absl::InvalidArgumentError(
        absl::StrCat("a slice has ", dimensions, " dimensions in shape, ", slice.start.size(),
                     " in start and ", slice.size.size(), " in size"));
  }
  std::uint64_t elements = 1;
  std::uint64_t elements_of_slice = 1;
  for (std::size_t d = 0; d < dimensions; ++d) {
    if (slice.start[d] > slice.shape[d] || slice.size[d] > slice.shape[d] - slice.start[d]) {
      return absl::InvalidArgumentError(
          absl::StrCat("a slice has ", slice.size[d], " elements from ", slice.start[d],
                       " on in dimension ", d, ", which has ", slice.shape[d]));
    }
    if (__builtin_mul_overflow(elements, slice.shape[d], &elements)) {
      return absl::InvalidArgumentError(
          absl::StrCat("a slice's shape has more than 2^64 elements by dimension ", d));
    }
    elements_of_slice *= slice.size[d];
  }
  if (elements_of_slice != values) {
    return absl::InvalidArgumentError(absl::StrCat("a slice has ", elements_of_slice,
                                                   " elements, but there are ", values, " values"));
  }
  return absl::OkStatus();
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

std::uint64_t IndexRuns::FirstIndexOf(std::uint64_t run) const {
  std::uint64_t index = first_index_;
  for (std::size_t d = outer_.size(); d-- > 0;) {
    index += run % outer_[d].size * outer_[d].stride;
    run /= outer_[d].size;
  }
  return index;
}

}  // namespace lehr
