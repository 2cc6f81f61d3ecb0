// Vector kernels, compiled for several processors and chosen when the library is loaded.
//
// Swift compiles for the oldest x86-64 processor; these loops are compiled for AVX-512, for AVX2 with FMA, and for that
// baseline (KERNEL in clones.h). On other architectures there is one version, which the compiler vectorises as it can:
// every arm64 processor has the vectors, float16 conversion included. What only some have (CRC-32C, SHA-256) is asked for.
//
// Matrices are row-major. `n`, `rows`, `columns` are numbers of elements, `stride` is the distance between the starts of
// two rows in elements. Where nothing else is said, an output may be one of the inputs but must not overlap it partly.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blocks.h"
#include "attention.h"
#include "losses.h"
#include "screening.h"
#include "sparse.h"
#include "statistics.h"
#include "synthetic.h"

#pragma clang assume_nonnull begin

/// The version in use: "avx512", "avx2", "baseline", or the architecture's name.
const char *unfold_kernel_level(void);

/// Whether the processor multiplies bfloat16 itself.
bool unfold_has_bfloat_products(void);

/// Whether the calling thread is inside a parallel region; `entered` sets it and returns what it was.
bool unfold_inside_region(void);
bool unfold_set_inside_region(bool entered);

/// Tells the processor that a loop is waiting.
static inline void unfold_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// MARK: Functions of one value

enum unfold_function {
  unfold_function_identity,
  unfold_function_relu,
  unfold_function_relu_squared,
  unfold_function_gelu,
  unfold_function_gelu_tanh,
  unfold_function_quick_gelu,
  unfold_function_silu,
  unfold_function_sigmoid,
  unfold_function_tanh,
  unfold_function_erf,
  unfold_function_exp,
};

/// y[i] = f(x[i]).
void unfold_apply(enum unfold_function f, const float *x, float *y, size_t n);
/// y[i] = f(gate[i]) * up[i].
void unfold_apply_gated(enum unfold_function f, const float *gate, const float *up, float *y, size_t n);

// MARK: Vectors

/// y[i] = a[i] + b[i].
void unfold_add(const float *a, const float *b, float *y, size_t n);
/// y[i] = a[i] * b[i].
void unfold_multiply(const float *a, const float *b, float *y, size_t n);
/// y[i] = scale * x[i] + offset.
void unfold_scale(float scale, float offset, const float *x, float *y, size_t n);
/// y[i] += a * x[i].
void unfold_axpy(float a, const float *x, float *y, size_t n);
/// The sum of a[i] * b[i], in single precision with many partial sums.
float unfold_dot(const float *a, const float *b, size_t n);
/// The sum of a[i] * b[i], each product and the sum in double precision.
double unfold_dot_double(const float *a, const float *b, size_t n);
/// The sum of x[i], in double precision.
double unfold_sum(const float *x, size_t n);
/// The largest x[i], and −∞ of none; a NaN is passed over.
float unfold_maximum(const float *x, size_t n);
/// The number of values that are NaN or infinite.
size_t unfold_count_nonfinite(const float *x, size_t n);
/// y[r, c] = x[r, c] * weight[c] + bias[c]; either may be absent.
void unfold_affine_rows(
    const float *x, const float *_Nullable weight, const float *_Nullable bias, float *y, size_t rows, size_t columns);
/// Adds bias[c] to y[r, c].
void unfold_add_bias(const float *bias, float *y, size_t rows, size_t columns, size_t stride);
/// Sets y[r, c] = bias[c].
void unfold_fill_bias(const float *bias, float *y, size_t rows, size_t columns, size_t stride);

// MARK: Products of a few rows

/// y[r, o] = Σ x[r, i] · w[o, i] + bias[o], the weights of an output lying together: w is [outputs, inputs], x [rows,
/// inputs].
void unfold_few_rows_by_outputs(
    const float *w, size_t outputs, size_t inputs, const float *x, size_t rows, const float *_Nullable bias, float *y,
    size_t y_stride);
/// The same, the weights of an input lying together: w is [inputs, columns], its rows `w_stride` apart.
void unfold_few_rows_by_inputs(
    const float *w, size_t w_stride, size_t columns, size_t inputs, const float *x, size_t rows,
    const float *_Nullable bias, float *y, size_t y_stride);
/// The same in bfloat16, the weights of two inputs lying in turns: w is [pairs of inputs, columns, 2], a pair's
/// `w_stride` columns apart; a last odd input's partner is 0. x is [rows, inputs] in bfloat16, sums are float.
void unfold_few_rows_by_pairs(
    const uint16_t *w, size_t w_stride, size_t columns, size_t inputs, const uint16_t *x, size_t rows,
    const float *_Nullable bias, float *y, size_t y_stride);

// MARK: Norms

/// mean[r] (where wanted) and scale[r] = √(variance + ε) of each row; without `mean`, scale[r] = √(mean of x² + ε).
void unfold_norm_scale(
    const float *x, size_t rows, size_t columns, float epsilon, float *_Nullable mean, float *scale);
/// y[r, c] = (x[r, c] − mean[r]) / scale[r]; without `mean`, x / scale.
void unfold_normalize(
    const float *x, size_t rows, size_t columns, const float *_Nullable mean, const float *scale, float *y);
/// A whole norm: scale and the normalized value where wanted, and y = normalized * weight + bias. `centred` takes the
/// mean off first (LayerNorm); without it this is RMSNorm. `weight_offset` is added to every weight.
void unfold_norm(
    const float *x, size_t rows, size_t columns, bool centred, float epsilon, const float *_Nullable weight,
    float weight_offset, const float *_Nullable bias, float *_Nullable scale, float *_Nullable normalized,
    float *_Nullable y);

// MARK: Attention

/// The softmax of x[first..<end]; outside, y is 0. No value within the limits, or only −∞: zeros or NaN, as in PyTorch.
void unfold_softmax_row(const float *x, float *y, size_t n, size_t first, size_t end);
/// Turns each head of each row by the angles of its position. Only the first `rotated` of `head_size` elements turn;
/// `cosine` and `sine` hold rotated / 2 values for each position, `positions[r]` chooses the row's. `interleaved`: pairs
/// are neighbours (2i, 2i + 1); otherwise the first half is paired with the second (i, i + rotated / 2).
void unfold_rotary(
    const float *x, float *y, size_t rows, size_t heads, size_t head_size, size_t rotated, bool interleaved,
    const int32_t *positions, const float *cosine, const float *sine);

// MARK: Number formats

/// Rounds to nearest, ties to even. Returns the index of the first finite value that became infinite, or n.
size_t unfold_to_half(const float *x, uint16_t *y, size_t n);
/// Rounds to nearest, ties to even. Returns the index of the first finite value that became infinite, or n.
size_t unfold_to_bfloat(const float *x, uint16_t *y, size_t n);
/// y[i] = x[i] rounded to the nearest bfloat16, as float.
void unfold_round_to_bfloat(const float *x, float *y, size_t n);
void unfold_from_half(const uint16_t *x, float *y, size_t n);
void unfold_from_bfloat(const uint16_t *x, float *y, size_t n);
void unfold_from_double(const double *x, float *y, size_t n);
void unfold_to_double(const float *x, double *y, size_t n);

// MARK: Columns

/// The mean, the sums of the second to fourth powers of the distance from the mean, the smallest and the largest value
/// of each column, in double precision. At least one row.
void unfold_column_moments(
    const float *x, size_t rows, size_t columns, size_t stride, double *mean, double *second, double *third,
    double *fourth, float *minimum, float *maximum);
/// count[c] += the number of rows with x[r, c] > threshold[c]; with `magnitude`, |x[r, c]| > threshold[c].
void unfold_column_count_above(
    const float *x, size_t rows, size_t columns, size_t stride, const float *threshold, bool magnitude,
    int64_t *count);
/// The largest value of each column and the first row that has it; a NaN is passed over. At least one row; a column of
/// NaN alone gives −∞ and row 0.
void unfold_column_maximum(
    const float *x, size_t rows, size_t columns, size_t stride, float *maximum, int32_t *row);
/// The smallest value of each column and the first row that has it; a NaN is passed over. At least one row.
void unfold_column_minimum(
    const float *x, size_t rows, size_t columns, size_t stride, float *minimum, int32_t *row);
/// sum[c] += the values of column c, in double precision.
void unfold_column_sum(const float *x, size_t rows, size_t columns, size_t stride, double *sum);

// MARK: Layout

/// y[c, r] = x[r, c].
void unfold_transpose(
    const float *x, size_t rows, size_t columns, size_t x_stride, float *y, size_t y_stride);

#pragma clang assume_nonnull end
