// How the noise contract addresses tensors: by a canonical name that does not depend on the
// wrappers around a model, and by a 64-bit id made from it. Section 2 of proto/lehr/v1/NOISE.md.
// Threading: pure.
//
//   TensorId("module._orig_mod.layers.0.weight") == TensorId("layers.0.weight")

#ifndef LEHR_CLIENT_CORE_TENSOR_NAME_H_
#define LEHR_CLIENT_CORE_TENSOR_NAME_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace lehr {

// The name without the components that data-parallel, compiling and checkpointing wrappers add
// (`module`, `_orig_mod`, `_fsdp_wrapped_module`, ...), wherever they stand except at the end.
std::string CanonicalTensorName(std::string_view name);

// The first 8 bytes of the SHA-256 of the canonical name, first byte most significant.
std::uint64_t TensorId(std::string_view name);

// Whether these names can belong to one model, each to one whole tensor. InvalidArgument names both
// where two have the same canonical name (a tied tensor is listed once) or the same id.
absl::Status CheckTensorNames(absl::Span<const std::string> names);

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_TENSOR_NAME_H_
