// A 64-bit digest of parameters, by which replicas notice that they have drifted apart.
//
// Specification: section 11 of proto/lehr/v1/NOISE.md. Threading: pure.

#ifndef LEHR_CLIENT_CORE_PARAMETER_DIGEST_H_
#define LEHR_CLIENT_CORE_PARAMETER_DIGEST_H_

#include <cstdint>

#include "absl/types/span.h"
#include "client/core/tensor.h"

namespace lehr {

// The sum over all elements, modulo 2^64, of a hash of (tensor, index, bits of the value). The
// order of the tensors and their cutting into ranges do not matter; the sum over disjoint shards is
// the whole's.
std::uint64_t ParameterDigest(absl::Span<const Tensor> tensors);

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_PARAMETER_DIGEST_H_
