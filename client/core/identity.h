// Makes square weight matrices the identity: a layer of ReLUs then passes on what it gets.
//
// Specification: section 12 of proto/lehr/v1/NOISE.md. Threading: pure apart from the values that
// are written.
//
//   const Tensor tensors[] = {
//       {.name = "layers.2.weight", .values = absl::MakeSpan(weights), .side = 64}};
//   const absl::StatusOr<PreparedIdentity> prepared = PreparedIdentity::Make(tensors);
//   if (prepared.ok()) prepared->Apply();

#ifndef LEHR_CLIENT_CORE_IDENTITY_H_
#define LEHR_CLIENT_CORE_IDENTITY_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "client/core/tensor.h"

namespace lehr {

// That it fits the tensors is known before ranks agree on it, so that none fails where the others
// have applied it.
class PreparedIdentity {
 public:
  // Of the tensors with a side; the others stay as they are. `tensors` must stay where they are
  // until it is applied. InvalidArgument: a tensor whose values are not part of a matrix of side
  // rows and columns, or tensors that CheckTensors refuses.
  // No tensor with a side is no error: this rank may hold no part of one.
  static absl::StatusOr<PreparedIdentity> Make(absl::Span<const Tensor> tensors);

  // Sets every value of those tensors, also one that was infinite or NaN. Returns how many.
  std::uint64_t Apply() const;

 private:
  explicit PreparedIdentity(std::vector<const Tensor*> square) : square_(std::move(square)) {}

  std::vector<const Tensor*> square_;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_IDENTITY_H_
