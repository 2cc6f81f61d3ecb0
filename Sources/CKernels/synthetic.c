// Samples of a model whose sparse features are known.
//
// Given the shared ε a feature fires with probability Φ(z), z = factor · ε − threshold, independently of all others: one
// uniform number decides. For most features Φ(z) is tiny, so a screen compares a lower bound of log₂ u with an upper bound
// of log₂ Φ(z), a few instructions for a vector of features, and the few that pass are decided exactly.
#include "synthetic.h"
#include "clones.h"
#include "sparse.h"

#include <math.h>
#include <string.h>

enum { STRIP = UNFOLD_SYNTHETIC_STRIP, TOGETHER = 16 };

// MARK: Random numbers

/// Steele, Lea and Flood's splitmix64: the scalar stream of a sample.
INLINE uint64_t next64(uint64_t *state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/// In (0, 1), a multiple of 2⁻³³.
INLINE double uniform_of(uint32_t bits) { return ((double)bits + 0.5) * 0x1p-32; }

/// Two normal numbers by Box and Muller.
static void normals(uint64_t *state, float *pair) {
  uint64_t bits = next64(state);
  float radius = sqrtf(-2.0f * logf((float)uniform_of((uint32_t)(bits >> 32))));
  float angle = 6.2831853f * (float)uniform_of((uint32_t)bits);
  pair[0] = radius * cosf(angle);
  pair[1] = radius * sinf(angle);
}

/// The normal distribution's function.
static double normal_share(double z) { return 0.5 * erfc(-z * 0.70710678118654752); }

/// Blackman and Vigna's xoshiro128++, one generator a lane.
typedef struct {
  uint32_t a[STRIP], b[STRIP], c[STRIP], d[STRIP];
} lanes;

INLINE uint32_t mixed(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  return x ^ (x >> 16);
}

/// Fills every lane's state from the key's two halves.
KERNEL static void seed_lanes(lanes *states, uint64_t key) {
  uint32_t low = (uint32_t)key, high = (uint32_t)(key >> 32);
  uint32_t *words = states->a;
  for (uint32_t i = 0; i < 4 * STRIP; i++) words[i] = mixed(mixed(i * 0x9e3779b9u + low) + high) | (i < STRIP);
}

INLINE uint32_t rotated(uint32_t x, int k) { return (x << k) | (x >> (32 - k)); }

// MARK: Screen

typedef struct {
  int32_t sample, place;
  float z;
  uint32_t bits;
} candidate;

/// One strip of one sample: z, the random bits, and whether the feature may fire. Returns how many may.
INLINE int screen(
    const float *factors, const float *thresholds, const float *shared, size_t rank, lanes *states, float *z,
    uint32_t *bits, int32_t *may) {
  float sum[STRIP];
  for (int l = 0; l < STRIP; l++) sum[l] = -thresholds[l];
  for (size_t r = 0; r < rank; r++) {
    float e = shared[r];
    for (int l = 0; l < STRIP; l++) sum[l] += e * factors[r * STRIP + l];
  }
  int count = 0;
  for (int l = 0; l < STRIP; l++) {
    uint32_t a = states->a[l], b = states->b[l], c = states->c[l], d = states->d[l];
    uint32_t u = rotated(a + d, 7) + a;
    c ^= a;
    d ^= b;
    states->b[l] = b ^ c;
    states->a[l] = a ^ d;
    states->c[l] = c ^ (b << 9);
    states->d[l] = rotated(d, 11);
    // The bits of a float are a lower bound of its logarithm, straight between powers of two: log₂ (1 + m) ≥ m.
    float bound = (float)bits_of((float)(int32_t)(u >> 1)) * 0x1p-23f - 158.01f;
    float s = sum[l] < 0.0f ? sum[l] : 0.0f;
    // Chernoff: Φ(z) ≤ ½ e^(−z²/2) for z ≤ 0.
    float limit = sum[l] < 0.0f ? s * s * -0.72134752f - 1.0f : 0.0f;
    int32_t passes = bound <= limit;
    z[l] = sum[l];
    bits[l] = u;
    may[l] = passes;
    count += passes;
  }
  return count;
}

/// Screens all strips for some samples. `counts` [samples] candidates of each go to `found` [samples, roots].
KERNEL static void screen_all(
    const unfold_synthetic *model, size_t samples, const float *shared, lanes *states, candidate *found,
    size_t *counts) {
  size_t rank = model->rank, most = model->strips * STRIP;
  float z[STRIP];
  uint32_t bits[STRIP];
  int32_t may[STRIP];
  for (size_t s = 0; s < samples; s++) counts[s] = 0;
  for (size_t strip = 0; strip < model->strips; strip++) {
    const float *factors = model->root_factors + strip * rank * STRIP;
    const float *thresholds = model->root_thresholds + strip * STRIP;
    for (size_t s = 0; s < samples; s++) {
      if (!screen(factors, thresholds, shared + s * rank, rank, states + s, z, bits, may)) continue;
      candidate *own = found + s * most;
      for (int l = 0; l < STRIP; l++)
        if (may[l]) own[counts[s]++] = (candidate){(int32_t)s, (int32_t)(strip * STRIP) + l, z[l], bits[l]};
    }
  }
}

// MARK: Samples

/// The product of a feature's factors with the shared numbers, less its threshold.
KERNEL static float excess(const float *factors, const float *shared, size_t rank, float threshold) {
  PARTIAL_SUMS
  float sum = 0;
  for (size_t r = 0; r < rank; r++) sum += factors[r] * shared[r];
  return sum - threshold;
}

/// The strength of a feature that fires, 0 where the normal number lies below.
static float strength(const unfold_synthetic *model, int32_t feature, uint64_t *state) {
  float pair[2];
  normals(state, pair);
  float value = model->means[feature] + model->deviations[feature] * pair[0];
  return value > 0 ? value : 0;
}

/// Appends a feature's children that are active: of exclusive ones a single one of those that fire, all equally likely.
static size_t add_children(
    const unfold_synthetic *model, int32_t parent, float parent_value, const float *shared, uint64_t *state,
    int32_t *indices, float *values, size_t count) {
  size_t first = count;
  float scale = model->scales[parent] ? parent_value / model->means[parent] : 1.0f;
  for (int32_t c = 0; c < model->child_count[parent]; c++) {
    int32_t child = model->first_child[parent] + c;
    float z = excess(model->factors + (size_t)child * model->rank, shared, model->rank, model->thresholds[child]);
    double u = uniform_of((uint32_t)(next64(state) >> 32));
    // Φ(z) ≤ ½ e^(−z²/2) ≤ 1 / (2 + z²) for z ≤ 0: spares most of the dear functions.
    if (z < 0 && u * (2.0 + (double)z * z) > 1.0) continue;
    if (!(u < normal_share(z))) continue;
    float value = strength(model, child, state);
    if (!(value > 0)) continue;
    indices[count] = child;
    values[count++] = value;
  }
  if (model->exclusive[parent] && count > first + 1) {
    size_t winner = first + (size_t)((next64(state) >> 32) * (count - first) >> 32);
    indices[first] = indices[winner];
    values[first] = values[winner];
    count = first + 1;
  }
  for (size_t e = first; e < count; e++) values[e] *= scale;
  return count;
}

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

size_t unfold_synthetic_scratch(const unfold_synthetic *model) {
  return 64 + rounded(TOGETHER * sizeof(lanes)) + rounded(TOGETHER * (model->rank + 1) * sizeof(float))
         + rounded(TOGETHER * model->strips * STRIP * sizeof(candidate));
}

void unfold_synthetic_samples(
    const unfold_synthetic *model, uint64_t first, size_t count, void *scratch, size_t *offsets, int32_t *indices,
    float *values, float *_Nullable rows) {
  char *memory = (char *)rounded((size_t)scratch);
  lanes *states = (lanes *)memory;
  float *shared = (float *)(memory + rounded(TOGETHER * sizeof(lanes)));
  candidate *found = (candidate *)((char *)shared + rounded(TOGETHER * (model->rank + 1) * sizeof(float)));
  size_t rank = model->rank, counts[TOGETHER];
  uint64_t streams[TOGETHER];
  if (count > TOGETHER) count = TOGETHER;
  for (size_t s = 0; s < count; s++) {
    uint64_t key = model->seed ^ ((first + s) * 0xd1342543de82ef95u);
    uint64_t lane_key = next64(&key);
    streams[s] = next64(&key);
    seed_lanes(states + s, lane_key);
    float pair[2];
    for (size_t r = 0; r < rank; r += 2) {
      normals(&streams[s], pair);
      shared[s * rank + r] = pair[0];
      if (r + 1 < rank) shared[s * rank + r + 1] = pair[1];
    }
  }
  screen_all(model, count, shared, states, found, counts);
  size_t total = 0;
  offsets[0] = 0;
  for (size_t s = 0; s < count; s++) {
    size_t start = total;
    const candidate *own = found + s * model->strips * STRIP;
    for (size_t c = 0; c < counts[s]; c++) {
      int32_t feature = model->roots[own[c].place];
      if (feature < 0 || !(uniform_of(own[c].bits) < normal_share(own[c].z))) continue;
      float value = strength(model, feature, &streams[s]);
      if (!(value > 0)) continue;
      indices[total] = feature;
      values[total++] = value;
    }
    // The list grows while it is read: children, then their children.
    for (size_t e = start; e < total; e++)
      if (model->child_count[indices[e]] > 0)
        total = add_children(model, indices[e], values[e], shared + s * rank, &streams[s], indices, values, total);
    offsets[s + 1] = total;
    if (!rows) continue;
    float *row = rows + s * model->width;
    memcpy(row, model->bias, model->width * sizeof(float));
    unfold_add_rows(
        model->directions, model->width, indices + start, values + start, total - start, model->width, row);
  }
}
