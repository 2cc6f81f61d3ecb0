// What linear classifiers pay for the scores of many examples, and the derivatives. See kernels.h for the conventions.
#pragma once
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Σ |w|·log(1 + exp(−y·s)) with s = scores[i] + bias, y the sign of signs[i] and |w| its magnitude: 0 leaves an example
/// out. Each score is overwritten by the derivative by it, and *residual is their sum.
double unfold_logistic_losses(float *scores, float bias, const float *signs, size_t n, double *residual);

/// The same of Σ |w|·max(0, 1 − y·s)².
double unfold_squared_hinge_losses(float *scores, float bias, const float *signs, size_t n, double *residual);

/// The same of the softmax's cross-entropy: scores[c, i] is class c's score of example i, the distance of two classes is
/// `stride`. targets[i] is an example's class, weights[i] the weight of its loss; a negative class leaves it out.
/// residuals[c] is the sum of a class's derivatives.
double unfold_softmax_losses(
    float *scores, size_t classes, size_t stride, const float *biases, const int32_t *targets, const float *weights,
    size_t n, double *residuals);

#pragma clang assume_nonnull end
