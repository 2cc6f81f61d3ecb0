// Numbers of 4 bits that choose one of 16 values, to float; and 8-bit floats.
#include "blocks.h"
#include "clones.h"

#pragma clang fp contract(off)

#if defined(__x86_64__)
#include <immintrin.h>
#define VECTORS __attribute__((target("avx2")))
static int has_vectors(void) { return __builtin_cpu_supports("avx2"); }
#elif defined(__aarch64__)
#include <arm_neon.h>
#define VECTORS
static int has_vectors(void) { return 1; }
#endif

/// IQ4_NL's and IQ4_XS's values.
static const int8_t uneven[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
/// E2M1 (OCP Microscaling Formats 1.0, 5.3.3), doubled so that they are integers. The last half is negative; ggml gives
/// a negative zero as zero.
static const int8_t doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

INLINE uint32_t word16(const uint8_t *x) { return (uint32_t)x[0] | (uint32_t)x[1] << 8; }

/// Half of 2^(e − 127), E8M0's value, since the integers are doubled: a denormal number for the smallest two.
INLINE float half_power(uint8_t e) {
  return float_of(e < 2 ? 0x00200000 << e : (int32_t)((uint32_t)(e - 1) << 23));
}

/// y[0..<16] from the low halves of 16 bytes, y[16..<32] from the high ones.
INLINE void choose_portable(const int8_t *table, const uint8_t *restrict q, float d, float *restrict y) {
  float scaled[16];
  for (size_t i = 0; i < 16; i++) scaled[i] = d * (float)table[i];
  for (size_t i = 0; i < 16; i++) {
    y[i] = scaled[q[i] & 15];
    y[16 + i] = scaled[q[i] >> 4];
  }
}

#if defined(__x86_64__)
VECTORS INLINE void store_scaled(__m128i q, __m256 d, float *y) {
  __m256 first = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q));
  __m256 second = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(q, 8)));
  _mm256_storeu_ps(y, _mm256_mul_ps(d, first));
  _mm256_storeu_ps(y + 8, _mm256_mul_ps(d, second));
}

VECTORS INLINE void choose_vectors(const int8_t *table, const uint8_t *q, float d, float *y) {
  __m128i values = _mm_loadu_si128((const __m128i *)table);
  __m128i bytes = _mm_loadu_si128((const __m128i *)q);
  __m128i mask = _mm_set1_epi8(15);
  __m128i low = _mm_and_si128(bytes, mask), high = _mm_and_si128(_mm_srli_epi16(bytes, 4), mask);
  store_scaled(_mm_shuffle_epi8(values, low), _mm256_set1_ps(d), y);
  store_scaled(_mm_shuffle_epi8(values, high), _mm256_set1_ps(d), y + 16);
}
#elif defined(__aarch64__)
INLINE void store_scaled(int8x16_t q, float d, float *y) {
  int16x8_t first = vmovl_s8(vget_low_s8(q)), second = vmovl_high_s8(q);
  vst1q_f32(y, vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(first))), d));
  vst1q_f32(y + 4, vmulq_n_f32(vcvtq_f32_s32(vmovl_high_s16(first)), d));
  vst1q_f32(y + 8, vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(second))), d));
  vst1q_f32(y + 12, vmulq_n_f32(vcvtq_f32_s32(vmovl_high_s16(second)), d));
}

INLINE void choose_vectors(const int8_t *table, const uint8_t *q, float d, float *y) {
  int8x16_t values = vld1q_s8(table);
  uint8x16_t bytes = vld1q_u8(q);
  store_scaled(vqtbl1q_s8(values, vandq_u8(bytes, vdupq_n_u8(15))), d, y);
  store_scaled(vqtbl1q_s8(values, vshrq_n_u8(bytes, 4)), d, y + 16);
}
#endif

/// Writes a decoder of whole blocks: once for vectors and once for any processor, chosen at each call.
#ifdef VECTORS
#define DECODER(NAME, BODY) \
  VECTORS static void NAME##_vectors(const uint8_t *x, float *y, size_t blocks) BODY(choose_vectors) \
  static void NAME##_portable(const uint8_t *x, float *y, size_t blocks) BODY(choose_portable) \
  void unfold_from_##NAME(const uint8_t *x, float *y, size_t blocks) { \
    if (has_vectors()) NAME##_vectors(x, y, blocks); \
    else NAME##_portable(x, y, blocks); \
  }
#else
#define DECODER(NAME, BODY) \
  void unfold_from_##NAME(const uint8_t *x, float *y, size_t blocks) BODY(choose_portable)
#endif

#define IQ4_NL(CHOOSE) { \
    for (size_t b = 0; b < blocks; b++, x += 18, y += 32) \
      CHOOSE(uneven, x + 2, float_of_half((uint16_t)word16(x)), y); \
  }
DECODER(iq4_nl, IQ4_NL)

#define IQ4_XS(CHOOSE) { \
    for (size_t b = 0; b < blocks; b++, x += 136) { \
      float d = float_of_half((uint16_t)word16(x)); \
      uint32_t high = word16(x + 2); \
      for (uint32_t j = 0; j < 8; j++, y += 32) { \
        int32_t scale = (int32_t)((x[4 + j / 2] >> (j & 1) * 4 & 15) | (high >> 2 * j & 3) << 4) - 32; \
        CHOOSE(uneven, x + 8 + 16 * j, d * (float)scale, y); \
      } \
    } \
  }
DECODER(iq4_xs, IQ4_XS)

#define MXFP4(CHOOSE) { \
    for (size_t b = 0; b < blocks; b++, x += 17, y += 32) CHOOSE(doubled, x + 1, half_power(x[0]), y); \
  }
DECODER(mxfp4, MXFP4)

static void mxfp4_pairs_portable(const uint8_t *x, const uint8_t *exponents, float *y, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, x += 16, y += 32) {
    float scaled[16];
    float d = half_power(exponents[b]);
    for (size_t i = 0; i < 16; i++) scaled[i] = __builtin_copysignf(d * (float)doubled[i], i < 8 ? 1.0f : -1.0f);
    for (size_t i = 0; i < 16; i++) {
      y[2 * i] = scaled[x[i] & 15];
      y[2 * i + 1] = scaled[x[i] >> 4];
    }
  }
}

#if defined(__x86_64__)
/// The magnitudes by the lower three bits; the fourth is the sign's.
VECTORS INLINE void store_signed(__m128i q, __m256 d, float *y) {
  __m128i values = _mm_loadu_si128((const __m128i *)doubled);
  __m128i magnitudes = _mm_shuffle_epi8(values, _mm_and_si128(q, _mm_set1_epi8(7)));
  for (int half = 0; half < 2; half++) {
    __m256i sign = _mm256_slli_epi32(_mm256_cvtepu8_epi32(_mm_and_si128(q, _mm_set1_epi8(8))), 28);
    __m256 magnitude = _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(magnitudes)));
    _mm256_storeu_ps(y + 8 * half, _mm256_or_ps(magnitude, _mm256_castsi256_ps(sign)));
    q = _mm_srli_si128(q, 8);
    magnitudes = _mm_srli_si128(magnitudes, 8);
  }
}

VECTORS static void mxfp4_pairs_vectors(const uint8_t *x, const uint8_t *exponents, float *y, size_t blocks) {
  __m128i mask = _mm_set1_epi8(15);
  for (size_t b = 0; b < blocks; b++, x += 16, y += 32) {
    __m256 d = _mm256_set1_ps(half_power(exponents[b]));
    __m128i bytes = _mm_loadu_si128((const __m128i *)x);
    __m128i low = _mm_and_si128(bytes, mask), high = _mm_and_si128(_mm_srli_epi16(bytes, 4), mask);
    store_signed(_mm_unpacklo_epi8(low, high), d, y);
    store_signed(_mm_unpackhi_epi8(low, high), d, y + 16);
  }
}
#elif defined(__aarch64__)
/// The magnitudes by the lower three bits; the fourth is the sign's.
INLINE void store_signed(uint8x16_t q, float d, float *y) {
  store_scaled(vqtbl1q_s8(vld1q_s8(doubled), vandq_u8(q, vdupq_n_u8(7))), d, y);
  uint8_t signs[16];
  vst1q_u8(signs, vandq_u8(q, vdupq_n_u8(8)));
  for (size_t i = 0; i < 16; i++) y[i] = float_of((int32_t)((uint32_t)bits_of(y[i]) | (uint32_t)signs[i] << 28));
}

static void mxfp4_pairs_vectors(const uint8_t *x, const uint8_t *exponents, float *y, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, x += 16, y += 32) {
    float d = half_power(exponents[b]);
    uint8x16_t bytes = vld1q_u8(x);
    uint8x16_t low = vandq_u8(bytes, vdupq_n_u8(15)), high = vshrq_n_u8(bytes, 4);
    store_signed(vzip1q_u8(low, high), d, y);
    store_signed(vzip2q_u8(low, high), d, y + 16);
  }
}
#endif

void unfold_from_mxfp4_pairs(const uint8_t *x, const uint8_t *exponents, float *y, size_t blocks) {
#ifdef VECTORS
  if (has_vectors()) {
    mxfp4_pairs_vectors(x, exponents, y, blocks);
    return;
  }
#endif
  mxfp4_pairs_portable(x, exponents, y, blocks);
}

// MARK: 8-bit floats

KERNEL void unfold_from_float8_e4m3(const uint8_t *restrict x, float scale, float *restrict y, size_t n) {
  for (size_t i = 0; i < n; i++) {
    uint32_t sign = (uint32_t)(x[i] & 0x80) << 24;
    uint32_t a = (uint32_t)(x[i] & 0x7f) << 20;
    float normal = float_of((int32_t)(a + 0x3c000000u));
    float tiny = float_of((int32_t)(a + 0x3c800000u)) - 0x1p-6f;
    int32_t b = bits_of(a < 0x00800000u ? tiny : normal);
    b = a == 0x07f00000u ? 0x7fc00000 : b;
    y[i] = scale * float_of((int32_t)((uint32_t)b | sign));
  }
}

KERNEL void unfold_from_float8_e5m2(const uint8_t *restrict x, float scale, float *restrict y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = scale * float_of_half((uint16_t)((uint32_t)x[i] << 8));
}
