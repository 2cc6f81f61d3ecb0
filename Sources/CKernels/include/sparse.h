// What sparse dictionaries are trained with: selection, sums of a few rows, and Adam.
//
// Sums of rows keep one order, whatever the number of threads: the entries' order.
#pragma once
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// y[c] += Σ_e factor[e] · rows[row[e] · stride + c]. The rows may repeat.
void unfold_add_rows(
    const float *rows, size_t stride, const int32_t *row, const float *factor, size_t count, size_t columns, float *y);

/// One latent's backward step through the decoder: gradient[c] += Σ_e factor[e] · rows[row[e]][c] and
/// product[e] = rows[row[e]] · weights.
void unfold_add_rows_and_dot(
    const float *rows, size_t stride, const int32_t *row, const float *factor, size_t count, size_t columns,
    const float *weights, float *gradient, float *product);

/// product[e] = rows[row[e]] · weights.
void unfold_dot_rows(
    const float *rows, size_t stride, const int32_t *row, size_t count, size_t columns, const float *weights,
    float *product);

/// What Adam needs besides its arrays: w −= rate · m / (√v · scale + ε), where `rate` holds the learning rate over
/// 1 − β₁ᵗ and `scale` is 1 / √(1 − β₂ᵗ); the gradient counts times `factor`.
struct unfold_adam_step {
  float beta1, beta2, rate, scale, epsilon, factor;
};

/// One step of Adam on n weights; without a gradient, one of zeros.
void unfold_adam(
    const struct unfold_adam_step *step, const float *_Nullable gradient, float *weights, float *first, float *second,
    size_t n);

/// The k-th largest of n values, 1 ≤ k ≤ n, by quickselect; the values are reordered.
float unfold_kth_largest(float *values, size_t n, size_t k);

/// Lists of the largest products that tokens have met so far, `capacity` places each. A list that fills is cut to its k
/// largest, and its bound rises to the smallest of them.
struct unfold_selection {
  size_t k;
  size_t capacity;
  float *values;
  int32_t *latents;
  int32_t *counts;
  float *bounds;
};

/// Takes in products [latents, tokens], rows `stride` apart: adds bias[latent], times scale[latent] where wanted, and
/// keeps what lies above each token's bound. Latents must come in rising order: of equal values the first stays.
void unfold_select(
    const float *products, size_t latents, size_t tokens, size_t stride, int32_t first_latent, const float *bias,
    const struct unfold_selection *selection, size_t first_token);

/// Cuts a token's list to its k largest; of equal values those with the smaller latents stay. Sorted by latent.
/// Returns how many there are.
size_t unfold_select_finish(const struct unfold_selection *selection, size_t token);

/// Appends the tokens whose product plus bias lies above the bound, and that sum. Returns how many, at most n.
size_t unfold_filter_above(
    const float *products, size_t n, float bias, float bound, int32_t first_token, int32_t *tokens, float *values);

/// error[i] = bias[i] + skipped[i] − target[i]: a reconstruction's error before any latent is added.
void unfold_start_error(
    const float *bias, const float *target, const float *_Nullable skipped, float *error, size_t n);

/// y[i] = a[i] − b[i].
void unfold_subtract(const float *a, const float *b, float *y, size_t n);

/// How many values exceed the bound.
size_t unfold_count_above(const float *x, float bound, size_t n);

#pragma clang assume_nonnull end
