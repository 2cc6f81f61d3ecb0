// Samples of a model whose sparse features are known: which fire, how strongly, and their sum.
#pragma once
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Features that a screen looks at together.
#define UNFOLD_SYNTHETIC_STRIP 64

/// Features that fire where factor · ε + η exceeds a threshold, ε shared by a sample's features and η each one's own,
/// both normal. All factors and thresholds are divided by the standard deviation of η.
///
/// Features without a parent are screened in strips; a child is looked at only where its parent is active, since it is
/// silent elsewhere.
typedef struct {
  size_t features, width, rank;
  /// The features without a parent, in strips; the last is filled up with −1, whose thresholds are infinite.
  size_t strips;
  const int32_t *roots;
  /// [strips, rank, UNFOLD_SYNTHETIC_STRIP] and [strips, UNFOLD_SYNTHETIC_STRIP].
  const float *root_factors, *root_thresholds;
  /// [features, rank] and [features].
  const float *factors, *thresholds;
  /// The children of feature f are first_child[f] ..< first_child[f] + child_count[f].
  const int32_t *first_child, *child_count;
  /// Of each feature, whether one child at most stays active, and whether children are scaled by its strength over its
  /// mean.
  const uint8_t *exclusive, *scales;
  /// The strength of an active feature: normal, cut at 0.
  const float *means, *deviations;
  /// [features, width] and [width].
  const float *directions, *bias;
  uint64_t seed;
} unfold_synthetic;

/// Bytes that the next function needs beside its results.
size_t unfold_synthetic_scratch(const unfold_synthetic *model);

/// The active features of samples first ..< first + count and their strengths, one sample after another, parents before
/// their children: offsets [count + 1] into indices and values, which hold count · features at most; where `rows` is
/// given, [count, width], also the bias and the sum of their directions. At most 16 samples at a time.
///
/// A sample follows from the seed and its number alone. About rank multiply-adds for each feature without a parent.
void unfold_synthetic_samples(
    const unfold_synthetic *model, uint64_t first, size_t count, void *scratch, size_t *offsets, int32_t *indices,
    float *values, float *_Nullable rows);

#pragma clang assume_nonnull end
