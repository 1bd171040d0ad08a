// A rectangular part of a tensor, and the runs of neighbouring indices that it consists of.
//
// Section 2 of proto/lehr/v1/NOISE.md. Threading: pure.
//
//   // Columns 256 to 511 of a weight of 1000 x 1024, as a column-parallel layer holds them:
//   TensorSlice{.shape = {1000, 1024}, .start = {0, 256}, .size = {1000, 256}}
#ifndef LEHR_CLIENT_CORE_TENSOR_SLICE_H_
#define LEHR_CLIENT_CORE_TENSOR_SLICE_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"

namespace lehr {

// In each dimension the indices start to start + size - 1 of the unsharded tensor.
struct TensorSlice {
  std::vector<std::uint64_t> shape;  // Of the unsharded tensor.
  std::vector<std::uint64_t> start;
  std::vector<std::uint64_t> size;
};

// InvalidArgument if the slice does not lie within its shape, the shape holds more than 2^64
// elements, or the slice has another number of elements than `values`.
absl::Status CheckSlice(const TensorSlice& slice, std::uint64_t values);

// Whether two slices of one shape have an element in common. Both have elements and have passed
// CheckSlice, here and below. Time, here and below: in the number of dimensions.
bool ShareElement(const TensorSlice& a, const TensorSlice& b);

// Whether an element of the slice has one of the indices first_index to last_index.
bool HasElementIn(const TensorSlice& slice, std::uint64_t first_index, std::uint64_t last_index);

class IndexRuns {
 public:
  // The values are the elements from first_index on.
  IndexRuns(std::uint64_t first_index, std::uint64_t values);
  // The values are those of the slice, row-major. The slice has passed CheckSlice.
  explicit IndexRuns(const TensorSlice& slice);

  // The greatest index of `values` > 0 values; the first one's is FirstIndex().
  std::uint64_t LastIndexOf(std::uint64_t values) const;
  std::uint64_t FirstIndex() const { return first_index_; }

  // Calls visit(index, offset, length) for the values begin to end - 1, run by run: the values
  // offset to offset + length - 1 are the elements from `index` on of the unsharded tensor.
  template <typename Visit>
  void ForEach(std::uint64_t begin, std::uint64_t end, Visit visit) const {
    while (begin < end) {
      const std::uint64_t within = begin % run_length_;
      const std::uint64_t length = std::min(run_length_ - within, end - begin);
      visit(FirstIndexOf(begin / run_length_) + within, begin, length);
      begin += length;
    }
  }

 private:
  struct Dimension {
    std::uint64_t size;
    std::uint64_t stride;
  };

  std::uint64_t FirstIndexOf(std::uint64_t run) const;

  std::uint64_t first_index_;
  std::uint64_t run_length_;
  // Over which the runs are counted, the outermost first.
  std::vector<Dimension> outer_;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_TENSOR_SLICE_H_
