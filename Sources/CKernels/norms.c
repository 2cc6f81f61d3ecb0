// LayerNorm and RMSNorm, whole or in the steps between which a hook may stand.
#include "clones.h"
#include "kernels.h"

/// The mean of a row, first in single precision with many partial sums, then corrected by the mean of what is left.
INLINE float row_mean(const float *x, size_t n) {
  PARTIAL_SUMS
  float sum = 0;
  for (size_t c = 0; c < n; c++) sum += x[c];
  float mean = sum / (float)n;
  float rest = 0;
  for (size_t c = 0; c < n; c++) rest += x[c] - mean;
  return mean + rest / (float)n;
}

INLINE float row_scale(const float *x, size_t n, float mean, float epsilon) {
  PARTIAL_SUMS
  float sum = 0;
  for (size_t c = 0; c < n; c++) {
    float d = x[c] - mean;
    sum += d * d;
  }
  return __builtin_elementwise_sqrt(sum / (float)n + epsilon);
}

KERNEL void unfold_norm_scale(
    const float *x, size_t rows, size_t columns, float epsilon, float *mean, float *scale) {
  for (size_t r = 0; r < rows; r++) {
    const float *row = x + r * columns;
    float m = mean ? row_mean(row, columns) : 0.0f;
    if (mean) mean[r] = m;
    scale[r] = row_scale(row, columns, m, epsilon);
  }
}

KERNEL void unfold_normalize(
    const float *x, size_t rows, size_t columns, const float *mean, const float *scale, float *y) {
  for (size_t r = 0; r < rows; r++) {
    float m = mean ? mean[r] : 0.0f, s = scale[r];
    SEPARATE_STEPS for (size_t c = 0; c < columns; c++) y[r * columns + c] = (x[r * columns + c] - m) / s;
  }
}

KERNEL void unfold_norm(
    const float *x, size_t rows, size_t columns, bool centred, float epsilon, const float *weight,
    float weight_offset, const float *bias, float *scale, float *normalized, float *y) {
  for (size_t r = 0; r < rows; r++) {
    const float *row = x + r * columns;
    float m = centred ? row_mean(row, columns) : 0.0f;
    float s = row_scale(row, columns, m, epsilon);
    if (scale) scale[r] = s;
    float *plain = normalized ? normalized + r * columns : y ? y + r * columns : 0;
    if (!plain) continue;
    SEPARATE_STEPS for (size_t c = 0; c < columns; c++) plain[c] = (row[c] - m) / s;
    if (!y) continue;
    float *out = y + r * columns;
    if (weight && bias) {
      SEPARATE_STEPS for (size_t c = 0; c < columns; c++) out[c] = plain[c] * (weight[c] + weight_offset) + bias[c];
    } else if (weight) {
      SEPARATE_STEPS for (size_t c = 0; c < columns; c++) out[c] = plain[c] * (weight[c] + weight_offset);
    } else if (bias) {
      SEPARATE_STEPS for (size_t c = 0; c < columns; c++) out[c] = plain[c] + bias[c];
    } else if (out != plain) {
      __builtin_memcpy(out, plain, columns * sizeof(float));
    }
  }
}
