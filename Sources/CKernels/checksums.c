#include "checksums.h"
#include <pthread.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define UNFOLD_X86 1
#elif defined(__aarch64__)
#include <arm_neon.h>
#define UNFOLD_ARM64 1
#if defined(__linux__)
#include <sys/auxv.h>
#define UNFOLD_HAS(instructions) ((getauxval(AT_HWCAP) & HWCAP_##instructions) != 0)
#elif defined(__APPLE__)
// Every one of Apple's has them.
#define UNFOLD_HAS(instructions) 1
#else
#define UNFOLD_HAS(instructions) 0
#endif
#endif

// MARK: CRC-32C

static uint32_t crc_tables[8][256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static void make_crc_tables(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1)));
    crc_tables[0][i] = crc;
  }
  for (uint32_t i = 0; i < 256; i++)
    for (int t = 1; t < 8; t++)
      crc_tables[t][i] = (crc_tables[t - 1][i] >> 8) ^ crc_tables[0][crc_tables[t - 1][i] & 0xFF];
}

uint32_t unfold_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
  pthread_once(&crc_once, make_crc_tables);
  const uint8_t *p = bytes;
  crc = ~crc;
  // Slicing by eight: one step takes eight bytes (Kounavis and Berry, 2005).
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    word ^= crc;
    crc = crc_tables[7][word & 0xFF] ^ crc_tables[6][(word >> 8) & 0xFF] ^ crc_tables[5][(word >> 16) & 0xFF] ^
          crc_tables[4][(word >> 24) & 0xFF] ^ crc_tables[3][(word >> 32) & 0xFF] ^
          crc_tables[2][(word >> 40) & 0xFF] ^ crc_tables[1][(word >> 48) & 0xFF] ^ crc_tables[0][word >> 56];
    p += 8;
    count -= 8;
  }
  while (count--) crc = (crc >> 8) ^ crc_tables[0][(crc ^ *p++) & 0xFF];
  return ~crc;
}

// A CRC is a polynomial over two elements, its highest bit the power 0; so many bytes behind it multiply it by x⁸ to that
// number, modulo the CRC's own polynomial.
static uint32_t product(uint32_t a, uint32_t b) {
  uint32_t sum = 0;
  for (uint32_t bit = 1u << 31; bit; bit >>= 1) {
    if (a & bit) sum ^= b;
    b = (b >> 1) ^ (0x82F63B78u & (0u - (b & 1)));
  }
  return sum;
}

uint32_t unfold_crc32c_joined(uint32_t first, uint32_t second, uint64_t count) {
  // x to the powers of two from x⁸ on, by squaring.
  uint32_t power = 1u << 23;
  for (; count; count >>= 1) {
    if (count & 1) first = product(power, first);
    power = product(power, power);
  }
  return first ^ second;
}

#if defined(UNFOLD_X86)
#define CRC_IN_HARDWARE __attribute__((target("sse4.2")))
CRC_IN_HARDWARE static inline uint64_t crc_of_eight(uint64_t crc, uint64_t x) { return _mm_crc32_u64(crc, x); }
CRC_IN_HARDWARE static inline uint32_t crc_of_one(uint32_t crc, uint8_t x) { return _mm_crc32_u8(crc, x); }
static int has_crc(void) { return __builtin_cpu_supports("sse4.2"); }
#elif defined(UNFOLD_ARM64)
#define CRC_IN_HARDWARE __attribute__((target("+crc")))
CRC_IN_HARDWARE static inline uint64_t crc_of_eight(uint64_t crc, uint64_t x) {
  return __builtin_arm_crc32cd((uint32_t)crc, x);
}
CRC_IN_HARDWARE static inline uint32_t crc_of_one(uint32_t crc, uint8_t x) { return __builtin_arm_crc32cb(crc, x); }
static int has_crc(void) { return UNFOLD_HAS(CRC32); }
#endif

#ifdef CRC_IN_HARDWARE
enum { LANE = 4096 };

// For a CRC that is followed by LANE zero bytes (and by two lanes of them): linear in the CRC's bits, so four look-ups.
static uint32_t shift_one[4][256], shift_two[4][256];
static pthread_once_t shift_once = PTHREAD_ONCE_INIT;

static uint32_t shifted(uint32_t crc, size_t zeros) {
  while (zeros--) crc = (crc >> 8) ^ crc_tables[0][crc & 0xFF];
  return crc;
}

static void make_shift_tables(void) {
  pthread_once(&crc_once, make_crc_tables);
  uint32_t one[32], two[32];
  for (int bit = 0; bit < 32; bit++) {
    one[bit] = shifted(1u << bit, LANE);
    two[bit] = shifted(one[bit], LANE);
  }
  for (int byte = 0; byte < 4; byte++)
    for (int value = 0; value < 256; value++) {
      uint32_t a = 0, b = 0;
      for (int bit = 0; bit < 8; bit++)
        if (value >> bit & 1) {
          a ^= one[8 * byte + bit];
          b ^= two[8 * byte + bit];
        }
      shift_one[byte][value] = a;
      shift_two[byte][value] = b;
    }
}

static inline uint32_t apply(const uint32_t table[4][256], uint32_t crc) {
  return table[0][crc & 0xFF] ^ table[1][(crc >> 8) & 0xFF] ^ table[2][(crc >> 16) & 0xFF] ^ table[3][crc >> 24];
}

// The instruction takes three cycles and a new one can begin each cycle: three lanes at once.
CRC_IN_HARDWARE static uint32_t crc32c_in_hardware(uint32_t crc, const uint8_t *p, size_t count) {
  pthread_once(&shift_once, make_shift_tables);
  uint64_t a = ~crc;
  while (count >= 3 * LANE) {
    uint64_t b = 0, c = 0;
    for (size_t i = 0; i < LANE; i += 8) {
      uint64_t x, y, z;
      memcpy(&x, p + i, 8);
      memcpy(&y, p + LANE + i, 8);
      memcpy(&z, p + 2 * LANE + i, 8);
      a = crc_of_eight(a, x);
      b = crc_of_eight(b, y);
      c = crc_of_eight(c, z);
    }
    a = apply(shift_two, (uint32_t)a) ^ apply(shift_one, (uint32_t)b) ^ (uint32_t)c;
    p += 3 * LANE;
    count -= 3 * LANE;
  }
  while (count >= 8) {
    uint64_t x;
    memcpy(&x, p, 8);
    a = crc_of_eight(a, x);
    p += 8;
    count -= 8;
  }
  uint32_t rest = (uint32_t)a;
  while (count--) rest = crc_of_one(rest, *p++);
  return ~rest;
}
#endif

uint32_t unfold_crc32c(uint32_t crc, const void *bytes, size_t count) {
#ifdef CRC_IN_HARDWARE
  if (has_crc()) return crc32c_in_hardware(crc, bytes, count);
#endif
  return unfold_crc32c_portable(crc, bytes, count);
}

// MARK: SHA-256

static const uint32_t sha_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static inline uint32_t rotate(uint32_t x, int by) { return x >> by | x << (32 - by); }

void unfold_sha256_portable(uint32_t state[8], const void *bytes, size_t blocks) {
  const uint8_t *p = bytes;
  for (; blocks; blocks--, p += 64) {
    uint32_t w[64];
    for (int t = 0; t < 16; t++)
      w[t] = (uint32_t)p[4 * t] << 24 | (uint32_t)p[4 * t + 1] << 16 | (uint32_t)p[4 * t + 2] << 8 | p[4 * t + 3];
    for (int t = 16; t < 64; t++) {
      uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
      uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;
      w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 64; t++) {
      uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + sha_constants[t] + w[t];
      uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      h = g;
      g = f;
      f = e;
      e = d + t1;
      d = c;
      c = b;
      b = a;
      a = t1 + t2;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
}

#if defined(UNFOLD_X86)
#define SHA_IN_HARDWARE __attribute__((target("sha,sse4.1,ssse3")))
// sha256rnds2 does two rounds on the state split as {a b e f} and {c d g h}; msg1 and msg2 extend the schedule by four.
SHA_IN_HARDWARE static void sha256_in_hardware(uint32_t state[8], const uint8_t *p, size_t blocks) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xB1);
  __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1B);
  __m128i abef = _mm_alignr_epi8(low, high, 8);
  __m128i cdgh = _mm_blend_epi16(high, low, 0xF0);
  for (; blocks; blocks--, p += 64) {
    __m128i before_abef = abef, before_cdgh = cdgh;
    __m128i w[4];
    for (int i = 0; i < 4; i++)
      w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(p + 16 * i)), big_endian);
    for (int group = 0; group < 16; group++) {
      __m128i now = w[group & 3];
      __m128i sum = _mm_add_epi32(now, _mm_loadu_si128((const __m128i *)(sha_constants + 4 * group)));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
      if (group < 12) {
        // w[t] for the group four ahead: from the words 16, 15, 7 and 2 before.
        __m128i next = _mm_sha256msg1_epu32(now, w[(group + 1) & 3]);
        next = _mm_add_epi32(next, _mm_alignr_epi8(w[(group + 3) & 3], w[(group + 2) & 3], 4));
        w[group & 3] = _mm_sha256msg2_epu32(next, w[(group + 3) & 3]);
      }
    }
    abef = _mm_add_epi32(abef, before_abef);
    cdgh = _mm_add_epi32(cdgh, before_cdgh);
  }
  __m128i feba = _mm_shuffle_epi32(abef, 0x1B);
  __m128i dchg = _mm_shuffle_epi32(cdgh, 0xB1);
  _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xF0));
  _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

#include <cpuid.h>
static int sha_found;
static pthread_once_t sha_once = PTHREAD_ONCE_INIT;

static void find_sha(void) {
  unsigned a, b, c, d;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) sha_found = (b >> 29 & 1) && __builtin_cpu_supports("sse4.1");
}

static int has_sha(void) {
  pthread_once(&sha_once, find_sha);
  return sha_found;
}
#elif defined(UNFOLD_ARM64)
#define SHA_IN_HARDWARE __attribute__((target("+sha2")))
// sha256h and sha256h2 do four rounds on the state split as {a b c d} and {e f g h}; su0 and su1 extend the schedule by
// four.
SHA_IN_HARDWARE static void sha256_in_hardware(uint32_t state[8], const uint8_t *p, size_t blocks) {
  uint32x4_t abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4);
  for (; blocks; blocks--, p += 64) {
    uint32x4_t before_abcd = abcd, before_efgh = efgh;
    uint32x4_t w[4];
    for (int i = 0; i < 4; i++) w[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(p + 16 * i)));
    for (int group = 0; group < 16; group++) {
      uint32x4_t now = w[group & 3];
      uint32x4_t sum = vaddq_u32(now, vld1q_u32(sha_constants + 4 * group));
      uint32x4_t upper = abcd;
      abcd = vsha256hq_u32(abcd, efgh, sum);
      efgh = vsha256h2q_u32(efgh, upper, sum);
      if (group < 12)
        w[group & 3] =
            vsha256su1q_u32(vsha256su0q_u32(now, w[(group + 1) & 3]), w[(group + 2) & 3], w[(group + 3) & 3]);
    }
    abcd = vaddq_u32(abcd, before_abcd);
    efgh = vaddq_u32(efgh, before_efgh);
  }
  vst1q_u32(state, abcd);
  vst1q_u32(state + 4, efgh);
}

static int has_sha(void) { return UNFOLD_HAS(SHA2); }
#endif

void unfold_sha256(uint32_t state[8], const void *bytes, size_t blocks) {
#ifdef SHA_IN_HARDWARE
  if (has_sha()) {
    sha256_in_hardware(state, bytes, blocks);
    return;
  }
#endif
  unfold_sha256_portable(state, bytes, blocks);
}

// MARK: Fletcher-32

// Sixteen lanes of words, each with its sum and the sum of its sums: 256 groups stay within 32 bits.
enum { LANES = 16, GROUPS = 256 };

static inline __attribute__((always_inline)) uint32_t fletcher32(const uint8_t *p, size_t count) {
  uint64_t first = 0, second = 0;
  size_t words = count / 2;
  while (words >= LANES) {
    size_t groups = words / LANES < GROUPS ? words / LANES : GROUPS;
    uint32_t a[LANES] = {0}, b[LANES] = {0};
    for (size_t g = 0; g < groups; g++) {
      uint16_t w[LANES];
      memcpy(w, p + 2 * LANES * g, sizeof w);
      for (int l = 0; l < LANES; l++) {
        a[l] += (uint16_t)(w[l] << 8 | w[l] >> 8);
        b[l] += a[l];
      }
    }
    // The second sum weighs a word by how many words stand from it to the end.
    uint64_t sum = 0, weighted = 0;
    for (int l = 0; l < LANES; l++) {
      sum += a[l];
      weighted += (uint64_t)LANES * b[l] - (uint64_t)l * a[l];
    }
    second = (second + first * (groups * LANES) + weighted) % 65535;
    first = (first + sum) % 65535;
    p += 2 * LANES * groups;
    words -= LANES * groups;
  }
  for (; words; words--, p += 2) {
    first += (uint64_t)p[0] << 8 | p[1];
    second += first;
  }
  if (count & 1) {
    first += (uint64_t)p[0] << 8;
    second += first;
  }
  return (uint32_t)(second % 65535) << 16 | (uint32_t)(first % 65535);
}

// HDF5 folds the carries back in instead of dividing, which leaves 65535 where a sum that is not zero divides evenly:
// its filter then stores 0xFFFF. The caller knows whether any word was not zero by asking for the sums over integers.
static int any(const uint8_t *p, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (p[i]) return 1;
  return 0;
}

#ifdef UNFOLD_X86
// Arm64's vectors need no asking for.
__attribute__((target("avx2"))) static uint32_t fletcher32_avx2(const uint8_t *p, size_t count) {
  return fletcher32(p, count);
}
#endif

uint32_t unfold_fletcher32(const void *bytes, size_t count) {
  uint32_t sum;
#ifdef UNFOLD_X86
  if (__builtin_cpu_supports("avx2"))
    sum = fletcher32_avx2(bytes, count);
  else
#endif
    sum = fletcher32(bytes, count);
  if (((sum & 0xFFFF) == 0 || sum >> 16 == 0) && any(bytes, count)) {
    if ((sum & 0xFFFF) == 0) sum |= 0xFFFF;
    if (sum >> 16 == 0) sum |= 0xFFFF0000u;
  }
  return sum;
}
