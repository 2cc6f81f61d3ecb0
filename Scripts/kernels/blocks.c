// Block-quantised numbers: random blocks, whatever their scales, give the bits of the portable build.
#include "checks.h"

PORTABLE(from_q4_0);
PORTABLE(from_q4_1);
PORTABLE(from_q5_0);
PORTABLE(from_q5_1);
PORTABLE(from_q8_0);
PORTABLE(from_q2_k);
PORTABLE(from_q3_k);
PORTABLE(from_q4_k);
PORTABLE(from_q5_k);
PORTABLE(from_q6_k);
PORTABLE(from_iq4_nl);
PORTABLE(from_iq4_xs);
PORTABLE(from_mxfp4);
PORTABLE(from_mxfp4_pairs);
PORTABLE(from_float8_e4m3);
PORTABLE(from_float8_e5m2);

/// Of NaN only that it is one: which of two a product keeps is left open.
static bool is_same_number(float a, float b) { return is_same(&a, &b, 4) || (isnan(a) && isnan(b)); }

static void check_numbers(const char *name, const float *y, const float *plain, size_t n) {
  for (size_t i = 0; i < n; i++)
    expect(
        is_same_number(y[i], plain[i]), "%s: element %zu is %g, portably %g", name, i, (double)y[i], (double)plain[i]);
}

static void check_type(
    const char *name, size_t bytes, size_t elements, void (*decode)(const uint8_t *, float *, size_t),
    void (*portably)(const uint8_t *, float *, size_t)) {
  static const size_t counts[] = {1, 2, 3, 300};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
    for (size_t offset = 0; offset < 3; offset++) {
      uint8_t *x = random_bytes(counts[i] * bytes, offset);
      float *y = random_bytes(counts[i] * elements * 4, offset * 4), *plain = random_bytes(counts[i] * elements * 4, 0);
      decode(x, y, counts[i]);
      portably(x, plain, counts[i]);
      check_numbers(name, y, plain, counts[i] * elements);
      for (void **p = (void *[]){x, y, plain, 0}; *p; p++) release(*p);
    }
}

/// Every exponent with every pair of values; the values are OCP's table.
static void check_mxfp4(void) {
  static const double magnitudes[8] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  uint8_t pairs[256 * 16], exponents[256], blocks[256 * 17];
  static float y[256 * 32], plain[256 * 32], halves[256 * 32];
  for (int e = 0; e < 256; e++) {
    exponents[e] = blocks[17 * e] = (uint8_t)e;
    for (int i = 0; i < 16; i++) pairs[16 * e + i] = blocks[17 * e + 1 + i] = (uint8_t)next_bits();
  }
  unfold_from_mxfp4_pairs(pairs, exponents, y, 256);
  portable_from_mxfp4_pairs(pairs, exponents, plain, 256);
  check_numbers("mxfp4 in pairs", y, plain, 256 * 32);
  unfold_from_mxfp4(blocks, halves, 256);
  for (int i = 0; i < 256 * 32; i++) {
    uint8_t byte = pairs[i / 2], q = i & 1 ? byte >> 4 : byte & 15;
    // Beyond the largest float it is infinite.
    float value = (float)((q & 8 ? -1 : 1) * magnitudes[q & 7] * ldexp(1, exponents[i / 32] - 127));
    expect(y[i] == value && !signbit(y[i]) == !(q & 8), "mxfp4 %x of 2^%d", q, exponents[i / 32] - 127);
    int place = i % 32 / 2 + (i & 1) * 16;
    expect(halves[i / 32 * 32 + place] == value, "mxfp4 in halves: %x of 2^%d", q, exponents[i / 32] - 127);
  }
}

static void check_float8(void) {
  uint8_t x[256 + 3];
  float y[256 + 3], plain[256 + 3];
  for (int i = 0; i < 259; i++) x[i] = (uint8_t)i;
  unfold_from_float8_e4m3(x, 0.75f, y, 259);
  portable_from_float8_e4m3(x, 0.75f, plain, 259);
  check_numbers("float8 e4m3", y, plain, 259);
  unfold_from_float8_e5m2(x, 0.75f, y, 259);
  portable_from_float8_e5m2(x, 0.75f, plain, 259);
  check_numbers("float8 e5m2", y, plain, 259);
}

void check_blocks(void) {
#define TYPE(name, bytes, elements) check_type(#name, bytes, elements, unfold_from_##name, portable_from_##name)
  TYPE(q4_0, 18, 32);
  TYPE(q4_1, 20, 32);
  TYPE(q5_0, 22, 32);
  TYPE(q5_1, 24, 32);
  TYPE(q8_0, 34, 32);
  TYPE(q2_k, 84, 256);
  TYPE(q3_k, 110, 256);
  TYPE(q4_k, 144, 256);
  TYPE(q5_k, 176, 256);
  TYPE(q6_k, 210, 256);
  TYPE(iq4_nl, 18, 32);
  TYPE(iq4_xs, 136, 256);
  TYPE(mxfp4, 17, 32);
  check_mxfp4();
  check_float8();
}
