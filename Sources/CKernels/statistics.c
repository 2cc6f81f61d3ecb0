// Everything that is gathered about the columns of activations, in one reading of them.
//
// Columns are taken in tiles whose running values stay in the nearest cache, rows in short pieces that stay there too
// while they are read for moments, histogram and extremes in turn.
#include "clones.h"
#include "statistics.h"

enum { tile = 64, piece = 32 };

/// What is kept of one document for the columns of a tile.
typedef struct {
  float value[tile];
  int64_t row[tile];
} extremes;

INLINE void add_moments(
    const float *x, size_t rows, size_t stride, size_t width, const float *pivot, double *s1, double *s2, double *s3,
    double *s4, float *low, float *high, int32_t *positive) {
  size_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    const float *x0 = x + r * stride, *x1 = x0 + stride, *x2 = x1 + stride, *x3 = x2 + stride;
    for (size_t c = 0; c < width; c++) {
      double p = (double)pivot[c];
      double d0 = (double)x0[c] - p, d1 = (double)x1[c] - p, d2 = (double)x2[c] - p, d3 = (double)x3[c] - p;
      double q0 = d0 * d0, q1 = d1 * d1, q2 = d2 * d2, q3 = d3 * d3;
      s1[c] += (d0 + d1) + (d2 + d3);
      s2[c] += (q0 + q1) + (q2 + q3);
      s3[c] += (q0 * d0 + q1 * d1) + (q2 * d2 + q3 * d3);
      s4[c] += (q0 * q0 + q1 * q1) + (q2 * q2 + q3 * q3);
    }
    for (size_t c = 0; c < width; c++) {
      float a = x0[c] < x1[c] ? x0[c] : x1[c], b = x2[c] < x3[c] ? x2[c] : x3[c];
      float m = a < b ? a : b;
      low[c] = m < low[c] ? m : low[c];
      float e = x0[c] > x1[c] ? x0[c] : x1[c], f = x2[c] > x3[c] ? x2[c] : x3[c];
      float n = e > f ? e : f;
      high[c] = n > high[c] ? n : high[c];
      positive[c] += (x0[c] > 0) + (x1[c] > 0) + (x2[c] > 0) + (x3[c] > 0);
    }
  }
  for (; r < rows; r++) {
    const float *row = x + r * stride;
    for (size_t c = 0; c < width; c++) {
      double d = (double)row[c] - (double)pivot[c];
      double q = d * d;
      s1[c] += d;
      s2[c] += q;
      s3[c] += q * d;
      s4[c] += q * q;
      low[c] = row[c] < low[c] ? row[c] : low[c];
      high[c] = row[c] > high[c] ? row[c] : high[c];
      positive[c] += row[c] > 0;
    }
  }
}

INLINE void add_histogram(
    const float *x, size_t rows, size_t stride, size_t width, int shift, int32_t base, int32_t half,
    uint32_t *counts) {
  int32_t bin[tile];
  for (size_t r = 0; r < rows; r++) {
    const float *row = x + r * stride;
    for (size_t c = 0; c < width; c++) {
      int32_t b = ((bits_of(row[c]) & 0x7fffffff) >> shift) - base;
      b = b < 0 ? 0 : b;
      b = b > half - 1 ? half - 1 : b;
      bin[c] = row[c] < 0 ? half - 1 - b : half + b;
    }
    for (size_t c = 0; c < width; c++) counts[c * 2 * (size_t)half + (size_t)bin[c]]++;
  }
}

INLINE void add_extremes(
    const float *x, size_t rows, size_t stride, size_t width, int64_t first_row, const int64_t *numbers, float sign,
    extremes *best) {
  float value[tile];
  int32_t at[tile];
  for (size_t c = 0; c < width; c++) {
    value[c] = best->value[c];
    at[c] = -1;
  }
  for (size_t r = 0; r < rows; r++) {
    const float *row = x + r * stride;
    int32_t number = (int32_t)r;
    for (size_t c = 0; c < width; c++) {
      float v = sign * row[c];
      at[c] = v > value[c] ? number : at[c];
      value[c] = v > value[c] ? v : value[c];
    }
  }
  for (size_t c = 0; c < width; c++) {
    best->value[c] = value[c];
    if (at[c] >= 0) best->row[c] = numbers ? numbers[at[c]] : first_row + at[c];
  }
}

/// Puts a finished document's extremes into the lists, best first; of equal values the earlier document stays ahead.
INLINE void keep_extremes(
    const extremes *best, size_t width, float sign, int32_t document, const unfold_top_lists *lists,
    size_t first_column, float *threshold) {
  int any = 0;
  for (size_t c = 0; c < width; c++) any |= best->value[c] > threshold[c];
  if (!any) return;
  size_t k = lists->k;
  for (size_t c = 0; c < width; c++) {
    float v = best->value[c];
    if (!(v > threshold[c])) continue;
    size_t start = (first_column + c) * k;
    float *values = lists->values + start;
    int64_t *rows = lists->rows + start;
    int32_t *documents = lists->documents + start;
    size_t place = k - 1;
    // A document that came in several blocks may stand there already: its better value takes the place of the other.
    size_t earlier = 0;
    while (earlier < k && (rows[earlier] < 0 || documents[earlier] != document)) earlier++;
    if (earlier < k) {
      if (!(v > sign * values[earlier])) continue;
      place = earlier;
    }
    while (place > 0 && (rows[place - 1] < 0 || sign * values[place - 1] < v)) {
      values[place] = values[place - 1];
      rows[place] = rows[place - 1];
      documents[place] = documents[place - 1];
      place--;
    }
    values[place] = sign * v;
    rows[place] = best->row[c];
    documents[place] = document;
    if (rows[k - 1] >= 0) threshold[c] = sign * values[k - 1];
  }
}

INLINE void start_thresholds(const unfold_top_lists *lists, size_t first_column, size_t width, float sign, float *t) {
  for (size_t c = 0; c < width; c++) {
    size_t last = (first_column + c + 1) * lists->k - 1;
    t[c] = lists->rows[last] >= 0 ? sign * lists->values[last] : -__builtin_inff();
  }
}

INLINE void clear_extremes(extremes *best) {
  for (size_t c = 0; c < tile; c++) {
    best->value[c] = -__builtin_inff();
    best->row[c] = -1;
  }
}

KERNEL void unfold_gather(
    const float *x, size_t stride, const unfold_row_run *runs, size_t run_count, size_t start, size_t end,
    const unfold_gathered *into) {
  const unfold_top_lists *top = into->top.k > 0 ? &into->top : 0;
  const unfold_top_lists *bottom = into->bottom.k > 0 ? &into->bottom : 0;
  for (size_t column = start; column < end; column += tile) {
    size_t width = end - column < tile ? end - column : tile;
    int32_t positive[tile] = {0};
    extremes highest, lowest;
    float high_threshold[tile], low_threshold[tile];
    if (top) start_thresholds(top, column, width, 1, high_threshold);
    if (bottom) start_thresholds(bottom, column, width, -1, low_threshold);
    for (size_t i = 0; i < run_count; i++) {
      const unfold_row_run run = runs[i];
      if (i == 0 || runs[i - 1].document != run.document) {
        clear_extremes(&highest);
        clear_extremes(&lowest);
      }
      for (size_t r = 0; r < run.count; r += piece) {
        size_t rows = run.count - r < piece ? run.count - r : piece;
        const float *block = x + (run.first + r) * stride + column;
        int64_t row = into->first_row + (int64_t)(run.first + r);
        const int64_t *numbers = into->row_numbers ? into->row_numbers + run.first + r : 0;
        // The common width is a constant, which the loops are compiled for.
#define PASSES(width) \
  do { \
    add_moments( \
        block, rows, stride, width, into->pivot + column, into->sum1 + column, into->sum2 + column, \
        into->sum3 + column, into->sum4 + column, into->minimum + column, into->maximum + column, positive); \
    if (into->histogram) \
      add_histogram( \
          block, rows, stride, width, into->bin_shift, into->bin_base, into->bin_half, \
          into->histogram + column * 2 * (size_t)into->bin_half); \
    if (top) add_extremes(block, rows, stride, width, row, numbers, 1, &highest); \
    if (bottom) add_extremes(block, rows, stride, width, row, numbers, -1, &lowest); \
  } while (0)
        if (width == tile) PASSES(tile);
        else PASSES(width);
#undef PASSES
      }
      if (i + 1 == run_count || runs[i + 1].document != run.document) {
        if (top) keep_extremes(&highest, width, 1, run.document, top, column, high_threshold);
        if (bottom) keep_extremes(&lowest, width, -1, run.document, bottom, column, low_threshold);
      }
    }
    for (size_t c = 0; c < width; c++) into->positive[column + c] += positive[c];
  }
}
