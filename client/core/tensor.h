// A part of the model's parameters, as a client hands it to the noise contract.

#ifndef LEHR_CLIENT_CORE_TENSOR_H_
#define LEHR_CLIENT_CORE_TENSOR_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "absl/types/span.h"
#include "client/core/half_floats.h"
#include "client/core/tensor_slice.h"

namespace lehr {

// In the format that they are trained in. 16-bit parameters that have a binary32 master are given
// by their master; the trainer rounds the copy from it.
using TensorValues =
    std::variant<absl::Span<float>, absl::Span<double>, absl::Span<Bfloat16>, absl::Span<Float16>>;

// A whole tensor, a flat range of one, or a slice. A shard of another form is several Tensors of
// one name.
struct Tensor {
  std::string name;  // Wrapper prefixes may be there or not (see tensor_name.h).
  TensorValues values;
  // values[i] is the element first_index + i of the unsharded tensor in row-major order.
  std::uint64_t first_index = 0;
  // If set, the values are those of the slice, row-major, and first_index means nothing.
  std::optional<TensorSlice> slice;
  // The unit of relative noise: the standard deviation that the opener of the run declared for the
  // tensor. 0: none.
  float reference_stddev = 0;
  // Rows and columns of the unsharded tensor, if the opener declared it a square weight matrix that
  // may be made the identity. 0: none.
  std::uint32_t side = 0;
};

inline std::size_t SizeOf(const TensorValues& values) {
  return std::visit([](const auto& span) { return span.size(); }, values);
}

inline IndexRuns RunsOf(const Tensor& tensor) {
  return tensor.slice ? IndexRuns(*tensor.slice)
                      : IndexRuns(tensor.first_index, SizeOf(tensor.values));
}

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_TENSOR_H_
