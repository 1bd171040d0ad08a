// The update of whole tensors and their parts, on several threads.
#ifndef LEHR_CLIENT_CORE_TARGET_UPDATE_H_
#define LEHR_CLIENT_CORE_TARGET_UPDATE_H_

#include "absl/types/span.h"
#include "client/core/noise_update.h"
#include "client/core/tensor.h"

namespace lehr {

// A tensor, whose slice fits, and what is to become of it.
struct UpdateTarget {
  NoiseUpdate update;
  const Tensor* tensor;
};

// `threads` work at a time; 0: as many as there are CPUs, if there is enough to do. The bits do not
// depend on it. Threading: pure apart from the values that are written; the caller's rounding
// direction and FTZ/DAZ do not matter and are left as they were.
UpdateCounts UpdateTargets(absl::Span<const UpdateTarget> targets, unsigned threads);

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_TARGET_UPDATE_H_
