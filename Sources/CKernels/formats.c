// Conversions between float, float16, bfloat16 and double.
#include "clones.h"
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define HALF_IN_HARDWARE __attribute__((target("avx2,f16c")))
#endif

/// The first index at which `y` is infinite although `x` is finite.
static size_t first_overflow(const float *x, const uint16_t *y, size_t n, uint16_t infinity) {
  for (size_t i = 0; i < n; i++)
    if ((y[i] & 0x7fff) == infinity && __builtin_isfinite(x[i])) return i;
  return n;
}

/// The nearest float16, ties to even: by the processor where every one can, elsewhere by integer arithmetic, rebiased
/// with the rounding added, denormal results through an addition that makes the processor round at the right bit.
INLINE uint16_t half_of(float x) {
#if defined(__aarch64__)
  __fp16 half = (__fp16)x;
  uint16_t h;
  __builtin_memcpy(&h, &half, 2);
  return h;
#else
  uint32_t b = (uint32_t)bits_of(x);
  uint32_t sign = (b >> 16) & 0x8000u;
  uint32_t a = b & 0x7fffffffu;
  uint32_t normal = (a + 0xc8000fffu + ((a >> 13) & 1u)) >> 13;
  float magnitude = float_of((int32_t)a);
  uint32_t tiny = (uint32_t)bits_of(magnitude + 0.5f) - 0x3f000000u;
  uint32_t h = a < 0x38800000u ? tiny : normal;
  h = a >= 0x477ff000u ? 0x7c00u : h;
  uint32_t nan = 0x7e00u | ((a >> 13) & 0x3ffu);
  h = a > 0x7f800000u ? nan : h;
  return (uint16_t)(sign | h);
#endif
}

KERNEL static void to_half_portable(const float *x, uint16_t *y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = half_of(x[i]);
}

KERNEL static void from_half_portable(const uint16_t *x, float *y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = float_of_half(x[i]);
}

KERNEL static int32_t any_infinite(const uint16_t *y, size_t n, uint16_t infinity) {
  int32_t some = 0;
  for (size_t i = 0; i < n; i++) some |= (y[i] & 0x7fff) == infinity;
  return some;
}

#if defined(__x86_64__)
HALF_IN_HARDWARE static void to_half_f16c(const float *x, uint16_t *y, size_t n) {
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    _mm_storeu_si128((__m128i *)(y + i), _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
  for (; i < n; i++) y[i] = _cvtss_sh(x[i], _MM_FROUND_TO_NEAREST_INT);
}

HALF_IN_HARDWARE static void from_half_f16c(const uint16_t *x, float *y, size_t n) {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) _mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(x + i))));
  for (; i < n; i++) y[i] = _cvtsh_ss(x[i]);
}

static bool has_f16c(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c"); }
#endif

enum { block = 4096 };

size_t unfold_to_half(const float *x, uint16_t *y, size_t n) {
  size_t bad = n;
  for (size_t start = 0; start < n; start += block) {
    size_t count = n - start < block ? n - start : block;
#if defined(__x86_64__)
    if (has_f16c()) {
      to_half_f16c(x + start, y + start, count);
    } else
#endif
      to_half_portable(x + start, y + start, count);
    if (bad == n && any_infinite(y + start, count, 0x7c00)) {
      size_t first = first_overflow(x + start, y + start, count, 0x7c00);
      if (first < count) bad = start + first;
    }
  }
  return bad;
}

void unfold_from_half(const uint16_t *x, float *y, size_t n) {
#if defined(__x86_64__)
  if (has_f16c()) {
    from_half_f16c(x, y, n);
    return;
  }
#endif
  from_half_portable(x, y, n);
}

INLINE uint32_t rounded_to_bfloat(float x) {
  uint32_t b = (uint32_t)bits_of(x);
  uint32_t rounded = b + 0x7fffu + ((b >> 16) & 1u);
  return (b & 0x7fffffffu) > 0x7f800000u ? b | 0x00400000u : rounded;
}

KERNEL static void to_bfloat_block(const float *x, uint16_t *y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = (uint16_t)(rounded_to_bfloat(x[i]) >> 16);
}

size_t unfold_to_bfloat(const float *x, uint16_t *y, size_t n) {
  size_t bad = n;
  for (size_t start = 0; start < n; start += block) {
    size_t count = n - start < block ? n - start : block;
    to_bfloat_block(x + start, y + start, count);
    if (bad == n && any_infinite(y + start, count, 0x7f80)) {
      size_t first = first_overflow(x + start, y + start, count, 0x7f80);
      if (first < count) bad = start + first;
    }
  }
  return bad;
}

KERNEL void unfold_round_to_bfloat(const float *x, float *y, size_t n) {
  SEPARATE_STEPS for (size_t i = 0; i < n; i++) y[i] = float_of((int32_t)(rounded_to_bfloat(x[i]) & 0xffff0000u));
}

KERNEL void unfold_from_bfloat(const uint16_t *x, float *y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = float_of((int32_t)((uint32_t)x[i] << 16));
}

KERNEL void unfold_from_double(const double *x, float *y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = (float)x[i];
}

KERNEL void unfold_to_double(const float *x, double *y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = (double)x[i];
}
