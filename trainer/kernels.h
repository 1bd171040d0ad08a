// The trainer's hot loops, compiled once for each instruction set; Kernels() picks the widest one
// that this CPU has.
//
// All matrices are binary32, row-major and contiguous. The products may differ in the last bits
// between instruction sets; the optimizer steps do not, for they round after each operation on
// every CPU.
//
//   const KernelSet& kernels = Kernels();
//   kernels.product_nt(inputs, weights, outputs, /*rows=*/128, /*columns=*/256, /*depth=*/784);
//
// Nothing here fails or allocates on the heap for networks of usual size. Safe to call from any
// thread.
#ifndef LEHR_TRAINER_KERNELS_H_
#define LEHR_TRAINER_KERNELS_H_

#include <cstdint>
#include <vector>

namespace lehr {

// One step of Adam's formula, worked out for the step's count t.
struct AdamStep {
  float beta1;
  // 1 − β1
  float gain1;
  float beta2;
  // 1 − β2
  float gain2;
  // learning rate / (1 − β1ᵗ)
  float step_size;
  // √(1 − β2ᵗ)
  float root_correction;
  float epsilon;
};

struct KernelSet {
  const char* name;

  // c[rows, columns] = a[rows, depth] · b[columns, depth]ᵀ
  void (*product_nt)(const float* a, const float* b, float* c, int64_t rows, int64_t columns,
                     int64_t depth);
  // c[rows, columns] = a[rows, depth] · b[depth, columns]
  void (*product_nn)(const float* a, const float* b, float* c, int64_t rows, int64_t columns,
                     int64_t depth);
  // c[rows, columns] = a[depth, rows]ᵀ · b[depth, columns]
  void (*product_tn)(const float* a, const float* b, float* c, int64_t rows, int64_t columns,
                     int64_t depth);

  // velocity ← momentum·velocity + gradient;  parameters ← parameters − learning_rate·velocity
  void (*momentum_step)(float* parameters, float* velocity, const float* gradient, int64_t size,
                        float learning_rate, float momentum);
  // m ← β1·m + gain1·g;  v ← β2·v + gain2·g²;  θ ← θ − step_size·m / (√v/root_correction + ε)
  void (*adam_step)(float* parameters, float* first_moment, float* second_moment,
                    const float* gradient, int64_t size, const AdamStep& step);
};

// The widest set that this CPU has.
const KernelSet& Kernels();

// All sets that this CPU has, the widest first.
std::vector<const KernelSet*> SupportedKernels();

}  // namespace lehr

#endif  // LEHR_TRAINER_KERNELS_H_
