// Statistics of columns, taken in tiles of columns whose running values stay in registers or the nearest cache.
#include "clones.h"
#include "kernels.h"

enum { tile = 64 };

KERNEL void unfold_column_moments(
    const float *x, size_t rows, size_t columns, size_t stride, double *mean, double *second, double *third,
    double *fourth, float *minimum, float *maximum) {
  for (size_t start = 0; start < columns; start += tile) {
    size_t width = columns - start < tile ? columns - start : tile;
    double s1[tile], s2[tile], s3[tile], s4[tile];
    float low[tile], high[tile];
    const float *top = x + start;
    for (size_t c = 0; c < width; c++) {
      s1[c] = s2[c] = s3[c] = s4[c] = 0;
      low[c] = __builtin_inff();
      high[c] = -__builtin_inff();
    }
    for (size_t r = 0; r < rows; r++) {
      const float *row = top + r * stride;
      for (size_t c = 0; c < width; c++) {
        float v = row[c];
        s1[c] += (double)v;
        low[c] = v < low[c] ? v : low[c];
        high[c] = v > high[c] ? v : high[c];
      }
    }
    for (size_t c = 0; c < width; c++) s1[c] /= (double)rows;
    for (size_t r = 0; r < rows; r++) {
      const float *row = top + r * stride;
      for (size_t c = 0; c < width; c++) {
        double d = (double)row[c] - s1[c];
        double q = d * d;
        s2[c] += q;
        s3[c] += q * d;
        s4[c] += q * q;
      }
    }
    for (size_t c = 0; c < width; c++) {
      mean[start + c] = s1[c];
      second[start + c] = s2[c];
      third[start + c] = s3[c];
      fourth[start + c] = s4[c];
      minimum[start + c] = low[c];
      maximum[start + c] = high[c];
    }
  }
}

KERNEL void unfold_column_count_above(
    const float *x, size_t rows, size_t columns, size_t stride, const float *threshold, bool magnitude,
    int64_t *count) {
  for (size_t start = 0; start < columns; start += tile) {
    size_t width = columns - start < tile ? columns - start : tile;
    for (size_t top = 0; top < rows; top += 1 << 30) {
      size_t end = rows - top < (1 << 30) ? rows : top + (1 << 30);
      int32_t some[tile] = {0};
      for (size_t r = top; r < end; r++) {
        const float *row = x + r * stride + start;
        const float *limit = threshold + start;
        if (magnitude) {
          for (size_t c = 0; c < width; c++) some[c] += __builtin_fabsf(row[c]) > limit[c];
        } else {
          for (size_t c = 0; c < width; c++) some[c] += row[c] > limit[c];
        }
      }
      for (size_t c = 0; c < width; c++) count[start + c] += some[c];
    }
  }
}

#define EXTREME(name, worst, better, result) \
  KERNEL void name( \
      const float *x, size_t rows, size_t columns, size_t stride, float *result, int32_t *row_of) { \
    for (size_t start = 0; start < columns; start += tile) { \
      size_t width = columns - start < tile ? columns - start : tile; \
      float best[tile]; \
      int32_t at[tile]; \
      for (size_t c = 0; c < width; c++) { \
        best[c] = worst; \
        at[c] = 0; \
      } \
      for (size_t r = 0; r < rows; r++) { \
        const float *row = x + r * stride + start; \
        int32_t number = (int32_t)r; \
        for (size_t c = 0; c < width; c++) { \
          float v = row[c]; \
          at[c] = v better best[c] ? number : at[c]; \
          best[c] = v better best[c] ? v : best[c]; \
        } \
      } \
      for (size_t c = 0; c < width; c++) { \
        result[start + c] = best[c]; \
        row_of[start + c] = at[c]; \
      } \
    } \
  }

EXTREME(unfold_column_maximum, -__builtin_inff(), >, maximum)
EXTREME(unfold_column_minimum, __builtin_inff(), <, minimum)

KERNEL void unfold_column_sum(const float *x, size_t rows, size_t columns, size_t stride, double *sum) {
  for (size_t start = 0; start < columns; start += tile) {
    size_t width = columns - start < tile ? columns - start : tile;
    double some[tile] = {0};
    for (size_t r = 0; r < rows; r++) {
      const float *row = x + r * stride + start;
      for (size_t c = 0; c < width; c++) some[c] += (double)row[c];
    }
    for (size_t c = 0; c < width; c++) sum[start + c] += some[c];
  }
}
