#include "trainer/matrix_product.h"

#include <algorithm>

#include "trainer/kernels.h"

namespace lehr {
namespace {

// Below this many multiply-adds the plain loops win (measured by tests/trainer/step_benchmark.cc).
constexpr int64_t kSmallProduct = 256;

bool IsSmall(int64_t rows, int64_t columns, int64_t depth) {
  return rows * columns * depth <= kSmallProduct;
}

}  // namespace

void MultiplyByTransposed(const float* a, const float* b, float* c, int64_t rows, int64_t columns,
                          int64_t depth) {
  if (!IsSmall(rows, columns, depth)) {
    Kernels().product_nt(a, b, c, rows, columns, depth);
    return;
  }
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      float sum = 0;
      for (int64_t i = 0; i < depth; ++i) {
        sum += a[row * depth + i] * b[column * depth + i];
      }
      c[row * columns + column] = sum;
    }
  }
}

void Multiply(const float* a, const float* b, float* c, int64_t rows, int64_t columns,
              int64_t depth) {
  if (!IsSmall(rows, columns, depth)) {
    Kernels().product_nn(a, b, c, rows, columns, depth);
    return;
  }
  std::fill_n(c, rows * columns, 0.0F);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < depth; ++i) {
      for (int64_t column = 0; column < columns; ++column) {
        c[row * columns + column] += a[row * depth + i] * b[i * columns + column];
      }
    }
  }
}

void MultiplyTransposed(const float* a, const float* b, float* c, int64_t rows, int64_t columns,
                        int64_t depth) {
  if (!IsSmall(rows, columns, depth)) {
    Kernels().product_tn(a, b, c, rows, columns, depth);
    return;
  }
  std::fill_n(c, rows * columns, 0.0F);
  for (int64_t i = 0; i < depth; ++i) {
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t column = 0; column < columns; ++column) {
        c[row * columns + column] += a[i * rows + row] * b[i * columns + column];
      }
    }
  }
}

}  // namespace lehr
