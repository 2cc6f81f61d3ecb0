// Selection of the largest products, sums of a few rows of a matrix, and Adam.
#include "sparse.h"
#include "clones.h"

#include <string.h>

INLINE void add_four(
    const float *restrict a, const float *restrict b, const float *restrict c, const float *restrict d,
    const float *factor, size_t columns, float *restrict y) {
  float fa = factor[0], fb = factor[1], fc = factor[2], fd = factor[3];
  for (size_t i = 0; i < columns; i++) y[i] = (y[i] + fa * a[i]) + fb * b[i] + (fc * c[i] + fd * d[i]);
}

INLINE void add_one(const float *restrict a, float factor, size_t columns, float *restrict y) {
  for (size_t i = 0; i < columns; i++) y[i] += factor * a[i];
}

// Four rows at a time: the sum is read and written once for four.
KERNEL void unfold_add_rows(
    const float *rows, size_t stride, const int32_t *row, const float *factor, size_t count, size_t columns, float *y) {
  size_t e = 0;
  for (; e + 4 <= count; e += 4) {
    const float *a = rows + (size_t)row[e] * stride, *b = rows + (size_t)row[e + 1] * stride;
    const float *c = rows + (size_t)row[e + 2] * stride, *d = rows + (size_t)row[e + 3] * stride;
    add_four(a, b, c, d, factor + e, columns, y);
  }
  for (; e < count; e++) {
    const float *a = rows + (size_t)row[e] * stride;
    add_one(a, factor[e], columns, y);
  }
}

/// Four products of rows with the same weights, which are read once.
INLINE void dot_four(
    const float *a, const float *b, const float *c, const float *d, const float *weights, size_t columns,
    float *product) {
  PARTIAL_SUMS
  float sa = 0, sb = 0, sc = 0, sd = 0;
  for (size_t i = 0; i < columns; i++) {
    float w = weights[i];
    sa += a[i] * w;
    sb += b[i] * w;
    sc += c[i] * w;
    sd += d[i] * w;
  }
  product[0] = sa;
  product[1] = sb;
  product[2] = sc;
  product[3] = sd;
}

INLINE float dot_one(const float *a, const float *weights, size_t columns) {
  PARTIAL_SUMS
  float s = 0;
  for (size_t i = 0; i < columns; i++) s += a[i] * weights[i];
  return s;
}

// The rows are read for the products first and are still near for the sums.
KERNEL void unfold_add_rows_and_dot(
    const float *rows, size_t stride, const int32_t *row, const float *factor, size_t count, size_t columns,
    const float *weights, float *gradient, float *product) {
  size_t e = 0;
  for (; e + 4 <= count; e += 4) {
    const float *a = rows + (size_t)row[e] * stride, *b = rows + (size_t)row[e + 1] * stride;
    const float *c = rows + (size_t)row[e + 2] * stride, *d = rows + (size_t)row[e + 3] * stride;
    dot_four(a, b, c, d, weights, columns, product + e);
    add_four(a, b, c, d, factor + e, columns, gradient);
  }
  for (; e < count; e++) {
    const float *a = rows + (size_t)row[e] * stride;
    product[e] = dot_one(a, weights, columns);
    add_one(a, factor[e], columns, gradient);
  }
}

KERNEL void unfold_dot_rows(
    const float *rows, size_t stride, const int32_t *row, size_t count, size_t columns, const float *weights,
    float *product) {
  for (size_t e = 0; e < count; e++) product[e] = dot_one(rows + (size_t)row[e] * stride, weights, columns);
}

KERNEL void unfold_adam(
    const struct unfold_adam_step *step, const float *gradient, float *weights, float *first, float *second, size_t n) {
  float b1 = step->beta1, b2 = step->beta2, rate = step->rate, scale = step->scale, epsilon = step->epsilon;
  float g1 = (1.0f - b1) * step->factor, factor = step->factor, g2 = 1.0f - b2;
  if (gradient) {
    SEPARATE_STEPS for (size_t i = 0; i < n; i++) {
      float g = gradient[i];
      float m = b1 * first[i] + g1 * g;
      float v = b2 * second[i] + g2 * (g * factor) * (g * factor);
      first[i] = m;
      second[i] = v;
      weights[i] -= rate * m / (__builtin_elementwise_sqrt(v) * scale + epsilon);
    }
  } else {
    SEPARATE_STEPS for (size_t i = 0; i < n; i++) {
      float m = b1 * first[i];
      float v = b2 * second[i];
      first[i] = m;
      second[i] = v;
      weights[i] -= rate * m / (__builtin_elementwise_sqrt(v) * scale + epsilon);
    }
  }
}

// MARK: Selection

float unfold_kth_largest(float *v, size_t n, size_t k) {
  size_t low = 0, high = n - 1, wanted = k - 1;
  while (low < high) {
    float pivot = v[low + (high - low) / 2];
    size_t i = low, j = high;
    for (;;) {
      while (v[i] > pivot) i++;
      while (v[j] < pivot) j--;
      if (i >= j) break;
      float t = v[i];
      v[i] = v[j];
      v[j] = t;
      i++;
      j--;
    }
    if (j >= high) j = high - 1;
    if (wanted <= j) high = j; else low = j + 1;
  }
  return v[wanted];
}

/// Keeps the k largest of a token's list in the order they came, which is that of the latents.
static void cut(const struct unfold_selection *s, size_t token) {
  float *values = s->values + token * s->capacity;
  int32_t *latents = s->latents + token * s->capacity;
  size_t count = (size_t)s->counts[token];
  if (count < s->k) return;
  float scratch[count];
  memcpy(scratch, values, count * sizeof(float));
  float least = unfold_kth_largest(scratch, count, s->k);
  size_t above = 0, kept = 0;
  for (size_t i = 0; i < count; i++) above += values[i] > least;
  size_t equal = s->k - above;
  for (size_t i = 0; i < count; i++) {
    if (values[i] > least || (values[i] == least && equal > 0)) {
      if (values[i] == least) equal--;
      values[kept] = values[i];
      latents[kept++] = latents[i];
    }
  }
  s->counts[token] = (int32_t)kept;
  s->bounds[token] = least > s->bounds[token] ? least : s->bounds[token];
}

static inline void keep(const struct unfold_selection *s, size_t token, int32_t latent, float value) {
  if (!(value > s->bounds[token])) return;
  size_t place = token * s->capacity + (size_t)s->counts[token]++;
  s->values[place] = value;
  s->latents[place] = latent;
  if ((size_t)s->counts[token] == s->capacity) cut(s, token);
}

/// Whether any of 32 sums lies above its bound.
INLINE int any_above(const float *x, const float *bounds, float bias) {
  int32_t any = 0;
  for (size_t i = 0; i < 32; i++) any |= x[i] + bias > bounds[i];
  return any;
}

KERNEL void unfold_select(
    const float *products, size_t latents, size_t tokens, size_t stride, int32_t first_latent, const float *bias,
    const struct unfold_selection *s, size_t first_token) {
  float *bounds = s->bounds + first_token;
  for (size_t l = 0; l < latents; l++) {
    const float *x = products + l * stride;
    float b = bias[l];
    size_t t = 0;
    for (; t + 32 <= tokens; t += 32) {
      if (!any_above(x + t, bounds + t, b)) continue;
      for (size_t i = t; i < t + 32; i++)
        if (x[i] + b > bounds[i]) keep(s, first_token + i, first_latent + (int32_t)l, x[i] + b);
    }
    for (; t < tokens; t++) keep(s, first_token + t, first_latent + (int32_t)l, x[t] + b);
  }
}

size_t unfold_select_finish(const struct unfold_selection *s, size_t token) {
  cut(s, token);
  return (size_t)s->counts[token];
}

KERNEL size_t unfold_filter_above(
    const float *products, size_t n, float bias, float bound, int32_t first_token, int32_t *tokens, float *values) {
  size_t count = 0, t = 0;
  for (; t + 32 <= n; t += 32) {
    int32_t any = 0;
    for (size_t i = 0; i < 32; i++) any |= products[t + i] + bias > bound;
    if (!any) continue;
    for (size_t i = t; i < t + 32; i++) {
      float v = products[i] + bias;
      tokens[count] = first_token + (int32_t)i;
      values[count] = v;
      count += v > bound;
    }
  }
  for (; t < n; t++) {
    float v = products[t] + bias;
    if (!(v > bound)) continue;
    tokens[count] = first_token + (int32_t)t;
    values[count++] = v;
  }
  return count;
}

KERNEL void unfold_start_error(
    const float *bias, const float *target, const float *skipped, float *error, size_t n) {
  if (skipped) {
    SEPARATE_STEPS for (size_t i = 0; i < n; i++) error[i] = bias[i] + skipped[i] - target[i];
  } else {
    SEPARATE_STEPS for (size_t i = 0; i < n; i++) error[i] = bias[i] - target[i];
  }
}

KERNEL void unfold_subtract(const float *a, const float *b, float *y, size_t n) {
  SEPARATE_STEPS for (size_t i = 0; i < n; i++) y[i] = a[i] - b[i];
}

KERNEL size_t unfold_count_above(const float *x, float bound, size_t n) {
  int32_t count = 0;
  for (size_t i = 0; i < n; i++) count += x[i] > bound;
  return (size_t)count;
}
