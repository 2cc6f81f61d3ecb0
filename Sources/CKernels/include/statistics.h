// What is gathered about the columns of activations in one reading of them. See kernels.h for the conventions.
#pragma once
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Consecutive rows of one document. Runs of one document follow each other; what lies between them (special tokens) is
/// left out.
typedef struct {
  size_t first, count;
  int32_t document;
} unfold_row_run;

/// Each column's most extreme values, [columns, k], best first; a place that is still empty has row −1.
typedef struct {
  /// 0: none are kept.
  size_t k;
  float *_Nullable values;
  int64_t *_Nullable rows;
  int32_t *_Nullable documents;
} unfold_top_lists;

/// Where it is gathered; everything is added to what is there.
typedef struct {
  /// The number that the block's first row has in the store.
  int64_t first_row;
  /// The number of each of the block's rows in the store, where they do not follow one another.
  const int64_t *_Nullable row_numbers;
  /// A value near each column's mean, about which powers are summed: [columns].
  const float *pivot;
  /// Σ (x − pivot)¹ to ⁴: [columns] each.
  double *sum1, *sum2, *sum3, *sum4;
  float *minimum, *maximum;
  /// How many values are above 0: [columns].
  int64_t *positive;
  /// How many values fell into each bin: [columns, 2 · bin_half], or none. A value's magnitude falls into bin
  /// (bits >> bin_shift) − bin_base, limited to 0..<bin_half: bins that grow with the magnitude. Bins of negative values
  /// come first, the largest magnitude foremost.
  uint32_t *_Nullable histogram;
  int bin_shift;
  int32_t bin_base, bin_half;
  /// The highest value of each document, and the lowest.
  unfold_top_lists top, bottom;
} unfold_gathered;

/// Gathers the columns from `start` up to `end` of a block [rows, columns] whose rows begin `stride` elements apart.
void unfold_gather(
    const float *x, size_t stride, const unfold_row_run *runs, size_t run_count, size_t start, size_t end,
    const unfold_gathered *into);

#pragma clang assume_nonnull end
