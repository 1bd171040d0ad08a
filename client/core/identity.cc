#include "client/core/identity.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/core/tensor_check.h"

namespace lehr {
namespace {

void SetOne(float& value) { value = 1; }
void SetOne(double& value) { value = 1; }
void SetOne(Bfloat16& value) { value.bits = 0x3F80; }
void SetOne(Float16& value) { value.bits = 0x3C00; }

std::uint64_t ElementsOf(std::uint32_t side) { return std::uint64_t{side} * side; }

// The tensor has passed CheckTensors.
absl::Status CheckSquare(const Tensor& tensor) {
  const std::uint64_t elements = ElementsOf(tensor.side);
  if (tensor.slice) {
    const std::vector<std::uint64_t>& shape = tensor.slice->shape;
    const std::uint64_t whole =
        std::accumulate(shape.begin(), shape.end(), std::uint64_t{1}, std::multiplies<>());
    if (whole != elements) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tensor '", tensor.name, "' is a slice of a tensor of ", absl::StrJoin(shape, "x"),
          ", but was declared to be square with ", tensor.side, " rows and columns"));
    }
    return absl::OkStatus();
  }
  const std::uint64_t values = SizeOf(tensor.values);
  if (values > 0 && RunsOf(tensor).LastIndexOf(values) >= elements) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor '", tensor.name, "' has ", values, " values from index ",
                     tensor.first_index, " on, but was declared to be square with ", tensor.side,
                     " rows and columns, ", elements, " elements"));
  }
  return absl::OkStatus();
}

template <typename Element>
void SetIdentityValues(const Tensor& tensor, absl::Span<Element> values) {
  // All bits 0 are the number 0 in each format.
  std::fill(values.begin(), values.end(), Element{});
  // The element (r, r) has the index r·side + r.
  const std::uint64_t stride = std::uint64_t{tensor.side} + 1;
  RunsOf(tensor).ForEach(0, values.size(),
                         [&](std::uint64_t index, std::uint64_t offset, std::uint64_t length) {
                           const std::uint64_t to_next = (stride - index % stride) % stride;
                           for (std::uint64_t i = to_next; i < length; i += stride) {
                             SetOne(values[offset + i]);
                           }
                         });
}

}  // namespace

absl::StatusOr<PreparedIdentity> PreparedIdentity::Make(absl::Span<const Tensor> tensors) {
  if (const auto ids = CheckTensors(tensors); !ids.ok()) {
    return ids.status();
  }
  std::vector<const Tensor*> square;
  for (const Tensor& tensor : tensors) {
    if (tensor.side == 0) {
      continue;
    }
    if (absl::Status status = CheckSquare(tensor); !status.ok()) {
      return status;
    }
    square.push_back(&tensor);
  }
  return PreparedIdentity(std::move(square));
}

std::uint64_t PreparedIdentity::Apply() const {
  std::uint64_t set = 0;
  for (const Tensor* tensor : square_) {
    std::visit([&](const auto& values) { SetIdentityValues(*tensor, values); }, tensor->values);
    set += SizeOf(tensor->values);
  }
  return set;
}

}  // namespace lehr
