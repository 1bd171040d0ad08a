// Initial parameter values, reproducible from a seed.
//
//   kTorch   weights and biases uniform over ±1/√fan_in, as PyTorch's nn.Linear starts
//   kHe      weights normal with standard deviation √(2/fan_in) (He et al., 2015), biases 0
//   kPaper   weights normal with standard deviation 0.5, biases 0: the setting of the paper's XOR
//
//   Initialize(InitialValues::kHe, /*seed=*/1, model.tensors());
#ifndef LEHR_TRAINER_INITIALIZATION_H_
#define LEHR_TRAINER_INITIALIZATION_H_

#include <cstdint>

#include "absl/types/span.h"
#include "trainer/mlp.h"

namespace lehr {

enum class InitialValues { kTorch, kHe, kPaper };

// Sets the values of every tensor and its reference_stddev. Each tensor's numbers depend on the
// seed and its index alone.
void Initialize(InitialValues initial, uint64_t seed, absl::Span<ModelTensor> tensors);

}  // namespace lehr

#endif  // LEHR_TRAINER_INITIALIZATION_H_
