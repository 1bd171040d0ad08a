// Whether tensors can be perturbed together: no element may be reached twice.
#ifndef LEHR_CLIENT_CORE_TENSOR_CHECK_H_
#define LEHR_CLIENT_CORE_TENSOR_CHECK_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "client/core/tensor.h"

namespace lehr {

// The ids of the tensors (tensor_name.h). InvalidArgument: an empty name, indices beyond 64 bits, a
// slice that does not fit its values, slices of one tensor with different shapes, or two tensors
// that overlap in memory or in the indices of one tensor. Threading: pure.
absl::StatusOr<std::vector<std::uint64_t>> CheckTensors(absl::Span<const Tensor> tensors);

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_TENSOR_CHECK_H_
