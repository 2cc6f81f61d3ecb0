// Sums, products and scalings of vectors and of the rows of matrices.
#include "clones.h"
#include "kernels.h"

KERNEL void unfold_add(const float *a, const float *b, float *y, size_t n) {
  SEPARATE_STEPS for (size_t i = 0; i < n; i++) y[i] = a[i] + b[i];
}

KERNEL void unfold_multiply(const float *a, const float *b, float *y, size_t n) {
  SEPARATE_STEPS for (size_t i = 0; i < n; i++) y[i] = a[i] * b[i];
}

KERNEL void unfold_scale(float scale, float offset, const float *x, float *y, size_t n) {
  SEPARATE_STEPS for (size_t i = 0; i < n; i++) y[i] = scale * x[i] + offset;
}

KERNEL void unfold_axpy(float a, const float *x, float *y, size_t n) {
  SEPARATE_STEPS for (size_t i = 0; i < n; i++) y[i] += a * x[i];
}

KERNEL float unfold_dot(const float *a, const float *b, size_t n) {
  PARTIAL_SUMS
  float sum = 0;
  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

KERNEL double unfold_dot_double(const float *a, const float *b, size_t n) {
  PARTIAL_SUMS
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
  return sum;
}

KERNEL double unfold_sum(const float *x, size_t n) {
  PARTIAL_SUMS
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)x[i];
  return sum;
}

KERNEL float unfold_maximum(const float *x, size_t n) { return largest_of(x, n); }

KERNEL size_t unfold_count_nonfinite(const float *x, size_t n) {
  size_t count = 0;
  for (size_t start = 0; start < n; start += 4096) {
    size_t end = start + 4096 < n ? start + 4096 : n;
    int32_t some = 0;
    for (size_t i = start; i < end; i++) some += (bits_of(x[i]) & 0x7f800000) == 0x7f800000;
    count += (size_t)some;
  }
  return count;
}

KERNEL void unfold_affine_rows(
    const float *x, const float *weight, const float *bias, float *y, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++) {
    const float *in = x + r * columns;
    float *out = y + r * columns;
    if (weight && bias) {
      SEPARATE_STEPS for (size_t c = 0; c < columns; c++) out[c] = in[c] * weight[c] + bias[c];
    } else if (weight) {
      SEPARATE_STEPS for (size_t c = 0; c < columns; c++) out[c] = in[c] * weight[c];
    } else if (bias) {
      SEPARATE_STEPS for (size_t c = 0; c < columns; c++) out[c] = in[c] + bias[c];
    } else if (in != out) {
      __builtin_memcpy(out, in, columns * sizeof(float));
    }
  }
}

KERNEL void unfold_add_bias(const float *bias, float *y, size_t rows, size_t columns, size_t stride) {
  for (size_t r = 0; r < rows; r++) {
    float *out = y + r * stride;
    SEPARATE_STEPS for (size_t c = 0; c < columns; c++) out[c] += bias[c];
  }
}

void unfold_fill_bias(const float *bias, float *y, size_t rows, size_t columns, size_t stride) {
  for (size_t r = 0; r < rows; r++) __builtin_memcpy(y + r * stride, bias, columns * sizeof(float));
}
