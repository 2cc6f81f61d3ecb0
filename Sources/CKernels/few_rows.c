// Products of a few rows with many weights: each weight is read once, and reading is what they cost.
#include "clones.h"
#include "kernels.h"

/// Weights that are read side by side, which is enough for the processor to fetch ahead in all of them.
enum { SIDE_BY_SIDE = 4 };

/// The products of one row with some rows of weights.
INLINE void dots(const float *w, size_t inputs, const float *x, size_t count, float *sums) {
  PARTIAL_SUMS
  if (count == SIDE_BY_SIDE) {
    const float *a = w, *b = w + inputs, *c = w + 2 * inputs, *d = w + 3 * inputs;
    float sa = 0, sb = 0, sc = 0, sd = 0;
    for (size_t i = 0; i < inputs; i++) {
      sa += a[i] * x[i];
      sb += b[i] * x[i];
      sc += c[i] * x[i];
      sd += d[i] * x[i];
    }
    sums[0] = sa;
    sums[1] = sb;
    sums[2] = sc;
    sums[3] = sd;
    return;
  }
  for (size_t o = 0; o < count; o++) {
    float sum = 0;
    for (size_t i = 0; i < inputs; i++) sum += w[o * inputs + i] * x[i];
    sums[o] = sum;
  }
}

KERNEL void unfold_few_rows_by_outputs(
    const float *w, size_t outputs, size_t inputs, const float *x, size_t rows, const float *bias, float *y,
    size_t y_stride) {
  for (size_t first = 0; first < outputs; first += SIDE_BY_SIDE) {
    size_t count = outputs - first < SIDE_BY_SIDE ? outputs - first : SIDE_BY_SIDE;
    // The next rows find these weights in the cache.
    for (size_t r = 0; r < rows; r++) {
      float sums[SIDE_BY_SIDE];
      dots(w + first * inputs, inputs, x + r * inputs, count, sums);
      for (size_t o = 0; o < count; o++) y[r * y_stride + first + o] = sums[o] + (bias ? bias[first + o] : 0);
    }
  }
}

/// y += Σ x[i] · w[i] of `count` rows of weights.
INLINE void add_rows(
    const float *w, size_t stride, const float *x, size_t count, size_t columns, float *restrict y) {
  if (count == 8) {
    const float *a = w, *b = w + stride, *c = w + 2 * stride, *d = w + 3 * stride;
    const float *e = w + 4 * stride, *f = w + 5 * stride, *g = w + 6 * stride, *h = w + 7 * stride;
    float xa = x[0], xb = x[1], xc = x[2], xd = x[3], xe = x[4], xf = x[5], xg = x[6], xh = x[7];
    SEPARATE_STEPS for (size_t j = 0; j < columns; j++) {
      float low = xa * a[j] + xb * b[j] + xc * c[j] + xd * d[j];
      float high = xe * e[j] + xf * f[j] + xg * g[j] + xh * h[j];
      y[j] += low + high;
    }
    return;
  }
  for (size_t i = 0; i < count; i++) {
    float xi = x[i];
    const float *a = w + i * stride;
    SEPARATE_STEPS for (size_t j = 0; j < columns; j++) y[j] += xi * a[j];
  }
}

KERNEL void unfold_few_rows_by_inputs(
    const float *w, size_t w_stride, size_t columns, size_t inputs, const float *x, size_t rows, const float *bias,
    float *y, size_t y_stride) {
  // So many sums stay in the nearest cache.
  enum { BLOCK = 2048 };
  for (size_t start = 0; start < columns; start += BLOCK) {
    size_t width = columns - start < BLOCK ? columns - start : BLOCK;
    for (size_t r = 0; r < rows; r++) {
      for (size_t j = 0; j < width; j++) y[r * y_stride + start + j] = bias ? bias[start + j] : 0;
    }
    for (size_t i = 0; i < inputs; i += 8) {
      size_t count = inputs - i < 8 ? inputs - i : 8;
      for (size_t r = 0; r < rows; r++) {
        add_rows(w + i * w_stride + start, w_stride, x + r * inputs + i, count, width, y + r * y_stride + start);
      }
    }
  }
}

INLINE float low_half(uint32_t pair) { return float_of((int32_t)(pair << 16)); }
INLINE float high_half(uint32_t pair) { return float_of((int32_t)(pair & 0xffff0000u)); }

/// y += the products with `count` pairs of inputs.
INLINE void add_pairs(
    const uint32_t *w, size_t stride, const uint32_t *x, size_t count, size_t columns, float *restrict y) {
  if (count == 4) {
    const uint32_t *a = w, *b = w + stride, *c = w + 2 * stride, *d = w + 3 * stride;
    float a0 = low_half(x[0]), a1 = high_half(x[0]), b0 = low_half(x[1]), b1 = high_half(x[1]);
    float c0 = low_half(x[2]), c1 = high_half(x[2]), d0 = low_half(x[3]), d1 = high_half(x[3]);
    SEPARATE_STEPS for (size_t j = 0; j < columns; j++) {
      float first = a0 * low_half(a[j]) + a1 * high_half(a[j]) + b0 * low_half(b[j]) + b1 * high_half(b[j]);
      float second = c0 * low_half(c[j]) + c1 * high_half(c[j]) + d0 * low_half(d[j]) + d1 * high_half(d[j]);
      y[j] += first + second;
    }
    return;
  }
  for (size_t p = 0; p < count; p++) {
    float low = low_half(x[p]), high = high_half(x[p]);
    const uint32_t *a = w + p * stride;
    SEPARATE_STEPS for (size_t j = 0; j < columns; j++) y[j] += low * low_half(a[j]) + high * high_half(a[j]);
  }
}

KERNEL void unfold_few_rows_by_pairs(
    const uint16_t *w, size_t w_stride, size_t columns, size_t inputs, const uint16_t *x, size_t rows,
    const float *bias, float *y, size_t y_stride) {
  // Both processors that Unfold is built for keep the first of a pair in the lower half.
  const uint32_t *pairs = (const uint32_t *)w;
  for (size_t r = 0; r < rows; r++) {
    for (size_t j = 0; j < columns; j++) y[r * y_stride + j] = bias ? bias[j] : 0;
  }
  size_t pair_count = (inputs + 1) / 2;
  for (size_t p = 0; p < pair_count; p += 4) {
    size_t count = pair_count - p < 4 ? pair_count - p : 4;
    for (size_t r = 0; r < rows; r++) {
      uint32_t own[4] = {0};
      size_t left = inputs - 2 * p;
      __builtin_memcpy(own, x + r * inputs + 2 * p, (left < 2 * count ? left : 2 * count) * sizeof *x);
      add_pairs(pairs + p * w_stride, w_stride, own, count, columns, y + r * y_stride);
    }
  }
}
