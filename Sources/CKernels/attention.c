// Softmax and rotary positions.
#include "clones.h"
#include "kernels.h"

KERNEL void unfold_softmax_row(const float *x, float *y, size_t n, size_t first, size_t end) {
  PARTIAL_SUMS
  if (end > n) end = n;
  if (first > end) first = end;
  float largest = largest_of(x + first, end - first);
  float sum = 0;
  SEPARATE_STEPS for (size_t i = first; i < end; i++) {
    float e = exponential(x[i] - largest);
    y[i] = e;
    sum += e;
  }
  SEPARATE_STEPS for (size_t i = first; i < end; i++) y[i] = y[i] / sum;
  for (size_t i = 0; i < first; i++) y[i] = 0;
  for (size_t i = end; i < n; i++) y[i] = 0;
}

KERNEL void unfold_rotary(
    const float *x, float *y, size_t rows, size_t heads, size_t head_size, size_t rotated, bool interleaved,
    const int32_t *positions, const float *cosine, const float *sine) {
  size_t pairs = rotated / 2;
  for (size_t r = 0; r < rows; r++) {
    const float *cs = cosine + (size_t)positions[r] * pairs;
    const float *sn = sine + (size_t)positions[r] * pairs;
    for (size_t h = 0; h < heads; h++) {
      const float *in = x + (r * heads + h) * head_size;
      float *out = y + (r * heads + h) * head_size;
      if (interleaved) {
        SEPARATE_STEPS for (size_t i = 0; i < pairs; i++) {
          float a = in[2 * i], b = in[2 * i + 1];
          out[2 * i] = a * cs[i] - b * sn[i];
          out[2 * i + 1] = b * cs[i] + a * sn[i];
        }
      } else {
        SEPARATE_STEPS for (size_t i = 0; i < pairs; i++) {
          float a = in[i], b = in[i + pairs];
          out[i] = a * cs[i] - b * sn[i];
          out[i + pairs] = b * cs[i] + a * sn[i];
        }
      }
      if (in != out)
        for (size_t i = 2 * pairs; i < head_size; i++) out[i] = in[i];
    }
  }
}
