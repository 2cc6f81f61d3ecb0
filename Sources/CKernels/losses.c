// Losses of linear classifiers: the scores of many examples at once, in single precision, their sums in double.
#include <math.h>

#include "clones.h"
#include "kernels.h"

/// log(1 + x) for 0 ≤ x ≤ 1 within 2 units in the last place: 2·artanh(x / (2 + x)).
INLINE float log_one_plus(float x) {
  float s = x / (2.0f + x);
  float q = s * s;
  float p = 1.0f / 17;
  p = p * q + 1.0f / 15;
  p = p * q + 1.0f / 13;
  p = p * q + 1.0f / 11;
  p = p * q + 1.0f / 9;
  p = p * q + 1.0f / 7;
  p = p * q + 1.0f / 5;
  p = p * q + 1.0f / 3;
  return 2.0f * s + 2.0f * s * (p * q);
}

KERNEL double unfold_logistic_losses(float *scores, float bias, const float *signs, size_t n, double *residual) {
  PARTIAL_SUMS
  double loss = 0, sum = 0;
  for (size_t i = 0; i < n; i++) {
    float weight = __builtin_fabsf(signs[i]);
    float score = scores[i] + bias;
    float margin = signs[i] < 0 ? -score : score;
    // exp(−|margin|) neither overflows nor loses digits on either side.
    float small = exponential(-__builtin_fabsf(margin));
    float wrong = (margin >= 0 ? small : 1.0f) / (1.0f + small);
    float own = weight * ((margin < 0 ? -margin : 0.0f) + log_one_plus(small));
    float slope = weight == 0 ? 0.0f : -signs[i] * wrong;
    scores[i] = slope;
    loss += weight == 0 ? 0.0 : (double)own;
    sum += (double)slope;
  }
  *residual = sum;
  return loss;
}

KERNEL double unfold_squared_hinge_losses(float *scores, float bias, const float *signs, size_t n, double *residual) {
  PARTIAL_SUMS
  double loss = 0, sum = 0;
  for (size_t i = 0; i < n; i++) {
    float weight = __builtin_fabsf(signs[i]);
    float score = scores[i] + bias;
    float margin = 1.0f - (signs[i] < 0 ? -score : score);
    float missing = margin <= 0 ? 0.0f : margin;
    float slope = weight == 0 ? 0.0f : -2.0f * signs[i] * missing;
    scores[i] = slope;
    loss += weight == 0 ? 0.0 : (double)weight * ((double)missing * (double)missing);
    sum += (double)slope;
  }
  *residual = sum;
  return loss;
}

enum { tile = 64 };

KERNEL double unfold_softmax_losses(
    float *scores, size_t classes, size_t stride, const float *biases, const int32_t *targets, const float *weights,
    size_t n, double *residuals) {
  PARTIAL_SUMS
  double loss = 0;
  for (size_t c = 0; c < classes; c++) residuals[c] = 0;
  for (size_t start = 0; start < n; start += tile) {
    size_t count = n - start < tile ? n - start : tile;
    const int32_t *target = targets + start;
    float largest[tile], own[tile], rest[tile];
    int32_t best[tile];
    for (size_t i = 0; i < count; i++) {
      largest[i] = -__builtin_inff();
      own[i] = rest[i] = 0;
      best[i] = 0;
    }
    for (size_t c = 0; c < classes; c++) {
      float *row = scores + c * stride + start;
      int32_t number = (int32_t)c;
      for (size_t i = 0; i < count; i++) {
        float score = row[i] + biases[c];
        row[i] = score;
        best[i] = score > largest[i] ? number : best[i];
        largest[i] = score > largest[i] ? score : largest[i];
        own[i] = target[i] == number ? score : own[i];
      }
    }
    // The sum over all classes but the largest: beside its 1 small ones would lose their digits.
    for (size_t c = 0; c < classes; c++) {
      float *row = scores + c * stride + start;
      int32_t number = (int32_t)c;
      for (size_t i = 0; i < count; i++) {
        float value = exponential(row[i] - largest[i]);
        row[i] = value;
        rest[i] += best[i] == number ? 0.0f : value;
      }
    }
    float factor[tile];
    for (size_t i = 0; i < count; i++) {
      float weight = target[i] < 0 ? 0.0f : weights[start + i];
      if (weight != 0) loss += (double)weight * ((double)log1pf(rest[i]) + (double)(largest[i] - own[i]));
      factor[i] = weight / (1.0f + rest[i]);
    }
    for (size_t c = 0; c < classes; c++) {
      float *row = scores + c * stride + start;
      int32_t number = (int32_t)c;
      float sum = 0;
      for (size_t i = 0; i < count; i++) {
        float slope = row[i] * factor[i] - (target[i] == number ? weights[start + i] : 0.0f);
        slope = target[i] < 0 ? 0.0f : slope;
        row[i] = slope;
        sum += slope;
      }
      residuals[c] += (double)sum;
    }
  }
  return loss;
}
