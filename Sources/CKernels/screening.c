// Products of small integers that tell which latents cannot be among a token's largest.
//
// Rows are rounded to 16 bits with one factor a row, such that no sum of products overflows 32 bits: factor · ‖row‖ =
// 32,700. Two products a lane and instruction are twice what floating point reaches. What the rounding can have changed
// is bounded by the norms of what was rounded off (Cauchy and Schwarz), so that nothing is lost that could be selected.
#include "screening.h"
#include "clones.h"
#include "kernels.h"
#include "sparse.h"

#include <stdlib.h>
#include <string.h>

enum { lanes = 16, tile = 6 };

// Arm64 is left out: its instructions make four products of 16 bits at a time and four of single precision too.
bool unfold_can_screen(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

/// Rounds a row; `norm` is its length, `error` that of what was rounded off, a little rounded up.
KERNEL static void round_row(const float *x, size_t n, int16_t *q, float *inverse, float *norm, float *error) {
  PARTIAL_SUMS
  double squares = 0;
  for (size_t i = 0; i < n; i++) squares += (double)x[i] * (double)x[i];
  float length = (float)__builtin_sqrt(squares);
  float factor = length > 0 && length < 1e30f ? 32700.0f / length : 0;
  float back = factor > 0 ? 1 / factor : 0;
  float lost = 0;
  for (size_t i = 0; i < n; i++) {
    float r = __builtin_rintf(x[i] * factor);
    q[i] = (int16_t)r;
    float d = x[i] - r * back;
    lost += d * d;
  }
  *inverse = back;
  // Sums in single precision, of the candidates' exact products too, are themselves a little uncertain.
  *norm = length * 1.0001f;
  *error = __builtin_sqrtf(lost) * 1.001f + 4e-6f * length;
}

void unfold_screen_latent(const struct unfold_screen *s, size_t latent, const float *row) {
  int16_t q[s->padded];
  memset(q, 0, sizeof(int16_t) * s->padded);
  round_row(row, s->width, q, s->latent_inverse + latent, s->latent_norm + latent, s->latent_error + latent);
  int32_t *panel = (int32_t *)s->latents + latent / lanes * (s->padded / 2 * lanes) + latent % lanes;
  for (size_t p = 0; p < s->padded / 2; p++) {
    int32_t pair;
    memcpy(&pair, q + 2 * p, 4);
    panel[p * lanes] = pair;
  }
}

void unfold_screen_token(const struct unfold_screen *s, size_t token, const float *row) {
  int16_t q[s->padded];
  memset(q, 0, sizeof(int16_t) * s->padded);
  round_row(row, s->width, q, s->token_inverse + token, s->token_norm + token, s->token_error + token);
  size_t pairs = s->padded / 2;
  int32_t *place = (int32_t *)s->tokens + token / tile * (pairs * tile) + token % tile;
  for (size_t p = 0; p < pairs; p++) memcpy(place + p * tile, q + 2 * p, 4);
}

/// Raises the bound to the k-th largest lower bound and drops the candidates that cannot reach it.
static void thin(const struct unfold_screen *s, size_t token) {
  struct unfold_candidate *list = s->candidates + token * s->capacity;
  size_t count = (size_t)s->counts[token];
  if (count < s->k) return;
  float scratch[count];
  for (size_t i = 0; i < count; i++) scratch[i] = list[i].low;
  float bound = unfold_kth_largest(scratch, count, s->k);
  if (bound > s->bounds[token]) s->bounds[token] = bound;
  size_t kept = 0;
  for (size_t i = 0; i < count; i++)
    if (list[i].high >= s->bounds[token]) list[kept++] = list[i];
  // Too many equal ones: the token is left to the exact product.
  s->counts[token] = kept + 1 >= s->capacity ? -1 : (int32_t)kept;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma")))

/// Whether a latent of the panel may reach the token's bound, told by the panel's largest slack.
AVX2 static inline int may_reach(
    const struct unfold_screen *s, size_t latent, size_t token, const __m256i *sums, float norm, float error) {
  float size = s->token_norm[token] + s->token_error[token];
  __m256 bound = _mm256_set1_ps(s->bounds[token] - 1.01f * (norm * s->token_error[token] + error * size));
  __m256 inverse = _mm256_set1_ps(s->token_inverse[token]);
  __m256 a = _mm256_mul_ps(_mm256_loadu_ps(s->latent_inverse + latent), inverse);
  __m256 b = _mm256_mul_ps(_mm256_loadu_ps(s->latent_inverse + latent + 8), inverse);
  a = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums[0]), a, _mm256_loadu_ps(s->bias + latent));
  b = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums[1]), b, _mm256_loadu_ps(s->bias + latent + 8));
  return _mm256_movemask_ps(
      _mm256_or_ps(_mm256_cmp_ps(a, bound, _CMP_GE_OQ), _mm256_cmp_ps(b, bound, _CMP_GE_OQ)));
}

/// Keeps those of eight latents that may be among the token's largest, each with a slack of its own.
AVX2 static void collect(const struct unfold_screen *s, size_t latent, size_t token, __m256i sums) {
  __m256 value = _mm256_cvtepi32_ps(sums);
  value = _mm256_mul_ps(
      value, _mm256_mul_ps(_mm256_loadu_ps(s->latent_inverse + latent), _mm256_set1_ps(s->token_inverse[token])));
  value = _mm256_add_ps(value, _mm256_loadu_ps(s->bias + latent));
  __m256 slack = _mm256_mul_ps(_mm256_loadu_ps(s->latent_norm + latent), _mm256_set1_ps(s->token_error[token]));
  slack = _mm256_fmadd_ps(
      _mm256_loadu_ps(s->latent_error + latent), _mm256_set1_ps(s->token_norm[token] + s->token_error[token]), slack);
  __m256 high = _mm256_add_ps(value, slack);
  int hits = _mm256_movemask_ps(_mm256_cmp_ps(high, _mm256_set1_ps(s->bounds[token]), _CMP_GE_OQ));
  if (!hits) return;
  float highs[8], lows[8];
  _mm256_storeu_ps(highs, high);
  _mm256_storeu_ps(lows, _mm256_sub_ps(value, slack));
  while (hits) {
    size_t lane = (size_t)__builtin_ctz((unsigned)hits);
    hits &= hits - 1;
    if (s->counts[token] < 0 || latent + lane >= s->latent_count || !(highs[lane] >= s->bounds[token])) continue;
    struct unfold_candidate *list = s->candidates + token * s->capacity;
    list[s->counts[token]++] =
        (struct unfold_candidate){.latent = (int32_t)(latent + lane), .high = highs[lane], .low = lows[lane]};
    if ((size_t)s->counts[token] == s->capacity) thin(s, token);
  }
}

/// A panel of 16 latents against a tile of tokens, of which `count` are wanted. Asks for `lines` cache lines of the next
/// panel, from line `line` on.
AVX2 static void meet(
    const struct unfold_screen *s, size_t panel, size_t first, size_t count, float norm, float error, size_t line,
    size_t lines) {
  size_t pairs = s->padded / 2;
  const char *next = (const char *)(s->latents + (panel + 1) * pairs * 2 * lanes) + line * 64;
  for (size_t i = 0; i < lines; i++) __builtin_prefetch(next + i * 64, 0, 2);
  const __m256i *w = (const __m256i *)s->latents + panel * pairs * 2;
  const int32_t *x = (const int32_t *)s->tokens + first / tile * (pairs * tile);
  __m256i a0 = _mm256_setzero_si256(), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0;
  __m256i b0 = a0, b1 = a0, b2 = a0, b3 = a0, b4 = a0, b5 = a0;
#define PAIR(i)                                              \
  {                                                          \
    __m256i v = _mm256_set1_epi32(x[i]);                     \
    a##i = _mm256_add_epi32(a##i, _mm256_madd_epi16(wa, v)); \
    b##i = _mm256_add_epi32(b##i, _mm256_madd_epi16(wb, v)); \
  }
  for (size_t p = 0; p < pairs; p++, x += tile) {
    __m256i wa = _mm256_load_si256(w + 2 * p), wb = _mm256_load_si256(w + 2 * p + 1);
    PAIR(0) PAIR(1) PAIR(2) PAIR(3) PAIR(4) PAIR(5)
  }
#undef PAIR
  __m256i sums[2 * tile] = {a0, b0, a1, b1, a2, b2, a3, b3, a4, b4, a5, b5};
  for (size_t t = 0; t < count; t++) {
    if (!may_reach(s, panel * lanes, first + t, sums + 2 * t, norm, error)) continue;
    collect(s, panel * lanes, first + t, sums[2 * t]);
    collect(s, panel * lanes + 8, first + t, sums[2 * t + 1]);
  }
}

static float largest_of_panel(const float *x) {
  float largest = x[0];
  for (size_t i = 1; i < lanes; i++) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

/// Every panel against the tokens.
static void meet_all(const struct unfold_screen *s, size_t first, size_t count) {
  size_t panels = (s->latent_count + lanes - 1) / lanes;
  for (size_t panel = 0; panel < panels; panel++) {
    float norm = largest_of_panel(s->latent_norm + panel * lanes);
    float error = largest_of_panel(s->latent_error + panel * lanes);
    // The last panel has none behind it; the lines of a panel are asked for evenly while the one before is worked on.
    size_t lines = panel + 1 < panels ? s->padded / 2 : 0, tiles = (count + tile - 1) / tile;
    for (size_t t = 0; t < tiles; t++) {
      size_t line = lines * t / tiles;
      meet(
          s, panel, first + t * tile, count - t * tile < tile ? count - t * tile : tile, norm, error, line,
          lines * (t + 1) / tiles - line);
    }
  }
}
#else
static void meet_all(const struct unfold_screen *s, size_t first, size_t count) {
  (void)s, (void)first, (void)count;
}
#endif

/// Whether a token that began with a bound above 0 has met k products above it.
static int has_enough(const struct unfold_screen *s, size_t token, float bound) {
  if (bound <= 0 || s->counts[token] < 0 || s->bounds[token] > bound) return 1;
  const struct unfold_candidate *list = s->candidates + token * s->capacity;
  size_t above = 0;
  for (int32_t i = 0; i < s->counts[token]; i++) above += list[i].low >= bound;
  return above >= s->k;
}

void unfold_screen_tokens(const struct unfold_screen *s, size_t first, size_t count, float share) {
  for (size_t t = first; t < first + count; t++) {
    s->counts[t] = 0;
    s->bounds[t] = share > 0 ? share * s->token_norm[t] : 0;
  }
  meet_all(s, first, count);
  for (size_t t = 0; t < count; t += tile) {
    size_t some = count - t < tile ? count - t : tile;
    int enough = 1;
    for (size_t i = first + t; i < first + t + some; i++)
      enough &= has_enough(s, i, share > 0 ? share * s->token_norm[i] : 0);
    if (enough) continue;
    for (size_t i = first + t; i < first + t + some; i++) s->counts[i] = 0, s->bounds[i] = 0;
    meet_all(s, first + t, some);
  }
  for (size_t t = first; t < first + count; t++)
    if (s->counts[t] >= 0) thin(s, t);
}

/// Asks for a row that will be read next.
static inline void fetch(const float *row, size_t width) {
  for (size_t i = 0; i < width; i += 16) __builtin_prefetch(row + i);
}

size_t unfold_screen_finish(
    const struct unfold_screen *s, size_t token, const float *rows, const float *x, int32_t *latents, float *values) {
  const struct unfold_candidate *list = s->candidates + token * s->capacity;
  int all = s->counts[token] < 0;
  size_t count = all ? s->latent_count : (size_t)s->counts[token];
  if (count == 0) return 0;
  float *exact = malloc(2 * count * sizeof(float)), *scratch = exact + count;
  if (!exact) return 0;
  size_t positive = 0;
  for (size_t i = 0; i < count; i++) {
    size_t latent = all ? i : (size_t)list[i].latent;
    if (!all && i + 1 < count) fetch(rows + (size_t)list[i + 1].latent * s->width, s->width);
    exact[i] = unfold_dot(rows + latent * s->width, x, s->width) + s->bias[latent];
    if (exact[i] > 0) scratch[positive++] = exact[i];
  }
  float least = positive > s->k ? unfold_kth_largest(scratch, positive, s->k) : 0;
  size_t above = 0, kept = 0;
  for (size_t i = 0; i < count; i++) above += exact[i] > least;
  size_t equal = positive > s->k ? s->k - above : 0;
  for (size_t i = 0; i < count; i++) {
    if (!(exact[i] > least)) {
      if (equal == 0 || exact[i] != least) continue;
      equal--;
    }
    latents[kept] = all ? (int32_t)i : list[i].latent;
    values[kept++] = exact[i];
  }
  free(exact);
  return kept;
}
