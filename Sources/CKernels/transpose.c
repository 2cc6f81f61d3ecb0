// Exchanging rows and columns, in tiles whose lines are read and written whole.
#include "kernels.h"

static void transpose_tile(
    const float *x, size_t rows, size_t columns, size_t x_stride, float *y, size_t y_stride) {
  for (size_t c = 0; c < columns; c++)
    for (size_t r = 0; r < rows; r++) y[c * y_stride + r] = x[r * x_stride + c];
}

static void transpose_plain(
    const float *x, size_t rows, size_t columns, size_t x_stride, float *y, size_t y_stride) {
  enum { tile = 16 };
  for (size_t c = 0; c < columns; c += tile)
    for (size_t r = 0; r < rows; r += tile)
      transpose_tile(
          x + r * x_stride + c, rows - r < tile ? rows - r : tile, columns - c < tile ? columns - c : tile, x_stride,
          y + c * y_stride + r, y_stride);
}

#if defined(__x86_64__)
#include <immintrin.h>
#define VECTORS __attribute__((target("avx2")))
static int has_vectors(void) { return __builtin_cpu_supports("avx2"); }

/// Eight by eight: neighbours are interleaved, then pairs, then halves.
VECTORS static inline void transpose_eight(
    const float *x, size_t x_stride, float *y, size_t y_stride) {
  __m256 a[8], b[8];
  for (int i = 0; i < 8; i++) a[i] = _mm256_loadu_ps(x + (size_t)i * x_stride);
  for (int i = 0; i < 8; i += 2) {
    b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
    b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    a[i] = _mm256_shuffle_ps(b[i], b[i + 2], 0x44);
    a[i + 1] = _mm256_shuffle_ps(b[i], b[i + 2], 0xee);
    a[i + 2] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0x44);
    a[i + 3] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0xee);
  }
  for (int i = 0; i < 4; i++) {
    _mm256_storeu_ps(y + (size_t)i * y_stride, _mm256_permute2f128_ps(a[i], a[i + 4], 0x20));
    _mm256_storeu_ps(y + (size_t)(i + 4) * y_stride, _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
  }
}
#elif defined(__aarch64__)
#include <arm_neon.h>
#define VECTORS
static int has_vectors(void) { return 1; }

/// Four by four: neighbours are exchanged, then pairs.
static inline void transpose_four(const float *x, size_t x_stride, float *y, size_t y_stride) {
  float32x4_t a = vld1q_f32(x), b = vld1q_f32(x + x_stride);
  float32x4_t c = vld1q_f32(x + 2 * x_stride), d = vld1q_f32(x + 3 * x_stride);
  float64x2_t even = vreinterpretq_f64_f32(vtrn1q_f32(a, b)), odd = vreinterpretq_f64_f32(vtrn2q_f32(a, b));
  float64x2_t later_even = vreinterpretq_f64_f32(vtrn1q_f32(c, d));
  float64x2_t later_odd = vreinterpretq_f64_f32(vtrn2q_f32(c, d));
  vst1q_f32(y, vreinterpretq_f32_f64(vtrn1q_f64(even, later_even)));
  vst1q_f32(y + y_stride, vreinterpretq_f32_f64(vtrn1q_f64(odd, later_odd)));
  vst1q_f32(y + 2 * y_stride, vreinterpretq_f32_f64(vtrn2q_f64(even, later_even)));
  vst1q_f32(y + 3 * y_stride, vreinterpretq_f32_f64(vtrn2q_f64(odd, later_odd)));
}

static inline void transpose_eight(const float *x, size_t x_stride, float *y, size_t y_stride) {
  for (size_t c = 0; c < 8; c += 4)
    for (size_t r = 0; r < 8; r += 4) transpose_four(x + r * x_stride + c, x_stride, y + c * y_stride + r, y_stride);
}
#endif

#ifdef VECTORS
VECTORS static void transpose_in_vectors(
    const float *x, size_t rows, size_t columns, size_t x_stride, float *y, size_t y_stride) {
  size_t whole_rows = rows / 8 * 8, whole_columns = columns / 16 * 16;
  for (size_t c = 0; c < whole_columns; c += 16)
    for (size_t r = 0; r < whole_rows; r += 8) {
      transpose_eight(x + r * x_stride + c, x_stride, y + c * y_stride + r, y_stride);
      transpose_eight(x + r * x_stride + c + 8, x_stride, y + (c + 8) * y_stride + r, y_stride);
    }
  transpose_tile(x + whole_columns, whole_rows, columns - whole_columns, x_stride, y + whole_columns * y_stride, y_stride);
  transpose_tile(x + whole_rows * x_stride, rows - whole_rows, columns, x_stride, y + whole_rows, y_stride);
}
#endif

void unfold_transpose(
    const float *x, size_t rows, size_t columns, size_t x_stride, float *y, size_t y_stride) {
#ifdef VECTORS
  if (has_vectors()) {
    transpose_in_vectors(x, rows, columns, x_stride, y, y_stride);
    return;
  }
#endif
  transpose_plain(x, rows, columns, x_stride, y, y_stride);
}
