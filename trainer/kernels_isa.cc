// Compiled once for each instruction set, with LEHR_KERNELS naming the set that this object
// defines.
//
// Eigen is all templates: two objects built for different CPUs would define the same symbols, and
// the linker would keep one of them for both. So each object has its own copy of Eigen, under its
// own namespace.
#define Eigen LEHR_EIGEN_NAMESPACE
#define EIGEN_DONT_PARALLELIZE
// The packed panels of usual layers stay on the stack: no allocation in the training loop.
#define EIGEN_STACK_ALLOCATION_LIMIT 1048576

#include <Eigen/Core>
#include <cmath>

#include "trainer/kernels.h"

namespace lehr {

#define LEHR_STRINGIFY(x) #x
#define LEHR_NAME_OF(x) LEHR_STRINGIFY(x)

extern const KernelSet LEHR_KERNELS;

namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Input = Eigen::Map<const Matrix>;
using Output = Eigen::Map<Matrix>;

void ProductNt(const float* a, const float* b, float* c, int64_t rows, int64_t columns,
               int64_t depth) {
  Output(c, rows, columns).noalias() = Input(a, rows, depth) * Input(b, columns, depth).transpose();
}

void ProductNn(const float* a, const float* b, float* c, int64_t rows, int64_t columns,
               int64_t depth) {
  Output(c, rows, columns).noalias() = Input(a, rows, depth) * Input(b, depth, columns);
}

void ProductTn(const float* a, const float* b, float* c, int64_t rows, int64_t columns,
               int64_t depth) {
  Output(c, rows, columns).noalias() = Input(a, depth, rows).transpose() * Input(b, depth, columns);
}

void MomentumStep(float* __restrict parameters, float* __restrict velocity,
                  const float* __restrict gradient, int64_t size, float learning_rate,
                  float momentum) {
  for (int64_t i = 0; i < size; ++i) {
    velocity[i] = momentum * velocity[i] + gradient[i];
    parameters[i] -= learning_rate * velocity[i];
  }
}

void AdamUpdate(float* __restrict parameters, float* __restrict first_moment,
                float* __restrict second_moment, const float* __restrict gradient, int64_t size,
                const AdamStep& step) {
  const AdamStep s = step;
  for (int64_t i = 0; i < size; ++i) {
    first_moment[i] = s.beta1 * first_moment[i] + s.gain1 * gradient[i];
    second_moment[i] = s.beta2 * second_moment[i] + s.gain2 * gradient[i] * gradient[i];
    const float root = std::sqrt(second_moment[i]) / s.root_correction;
    parameters[i] -= s.step_size * first_moment[i] / (root + s.epsilon);
  }
}

}  // namespace

const KernelSet LEHR_KERNELS = {
    .name = LEHR_NAME_OF(LEHR_KERNELS),
    .product_nt = ProductNt,
    .product_nn = ProductNn,
    .product_tn = ProductTn,
    .momentum_step = MomentumStep,
    .adam_step = AdamUpdate,
};

}  // namespace lehr
