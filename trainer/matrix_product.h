// The three matrix products of a fully connected layer, for matrices of any size.
//
// Row-major, contiguous binary32; the output must not overlap an input. Small products run in plain
// loops, which beat the packing of a blocked product and give the same bits on every CPU; larger
// ones go to Eigen (see kernels.h).
//
//   // outputs[128, 256] = inputs[128, 784] · weights[256, 784]ᵀ
//   MultiplyByTransposed(inputs, weights, outputs, /*rows=*/128, /*columns=*/256, /*depth=*/784);
#ifndef LEHR_TRAINER_MATRIX_PRODUCT_H_
#define LEHR_TRAINER_MATRIX_PRODUCT_H_

#include <cstdint>

namespace lehr {

// c[rows, columns] = a[rows, depth] · b[columns, depth]ᵀ
void MultiplyByTransposed(const float* a, const float* b, float* c, int64_t rows, int64_t columns,
                          int64_t depth);

// c[rows, columns] = a[rows, depth] · b[depth, columns]
void Multiply(const float* a, const float* b, float* c, int64_t rows, int64_t columns,
              int64_t depth);

// c[rows, columns] = a[depth, rows]ᵀ · b[depth, columns]
void MultiplyTransposed(const float* a, const float* b, float* c, int64_t rows, int64_t columns,
                        int64_t depth);

}  // namespace lehr

#endif  // LEHR_TRAINER_MATRIX_PRODUCT_H_
