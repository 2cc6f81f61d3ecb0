// float16 and bfloat16 in both directions: every pattern, every middle between neighbours, and what is no number.
#include "checks.h"

PORTABLE(to_half);
PORTABLE(from_half);
PORTABLE(to_bfloat);
PORTABLE(from_bfloat);
PORTABLE(round_to_bfloat);

static float float_of_bits(uint32_t b) {
  float x;
  memcpy(&x, &b, 4);
  return x;
}

static uint32_t bits_of_float(float x) {
  uint32_t b;
  memcpy(&b, &x, 4);
  return b;
}

/// A float16's value from its three parts.
static double value_of_half(uint16_t h) {
  int exponent = h >> 10 & 31, fraction = h & 1023;
  double magnitude = exponent == 31 ? (fraction ? NAN : INFINITY)
                     : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                    : ldexp(fraction, -24);
  return h & 0x8000 ? -magnitude : magnitude;
}

static uint16_t half_of_float(float x) {
  uint16_t h;
  unfold_to_half(&x, &h, 1);
  return h;
}

/// Every float16 read and written again.
static void check_every_half(void) {
  enum { count = 65536 };
  static uint16_t patterns[count], again[count], plain[count];
  static float values[count], plain_values[count];
  for (size_t i = 0; i < count; i++) patterns[i] = (uint16_t)i;
  unfold_from_half(patterns, values, count);
  portable_from_half(patterns, plain_values, count);
  unfold_to_half(values, again, count);
  portable_to_half(values, plain, count);
  for (size_t i = 0; i < count; i++) {
    bool is_nan = (i & 0x7FFF) > 0x7C00;
    // A NaN keeps its sign and payload and becomes quiet.
    uint32_t quiet = (uint32_t)(i & 0x8000) << 16 | 0x7FC00000u | (uint32_t)(i & 0x3FF) << 13;
    expect(
        is_nan ? bits_of_float(values[i]) == quiet
               : (double)values[i] == value_of_half((uint16_t)i) && !signbit(values[i]) == !(i & 0x8000),
        "float16 %04zx is read as %g", i, (double)values[i]);
    expect(bits_of_float(values[i]) == bits_of_float(plain_values[i]), "float16 %04zx as portably", i);
    expect(
        again[i] == (is_nan ? i | 0x200 : i) && again[i] == plain[i], "float16 %04zx is written as %04x", i, again[i]);
  }
}

/// The middle of every two neighbours goes to the even one; what lies just beside it to the nearer one.
static void check_ties(void) {
  for (uint16_t h = 0; h < 0x7BFF; h++) {
    double low = value_of_half(h), high = value_of_half(h + 1);
    float middle = (float)((low + high) / 2);
    uint16_t even = h & 1 ? h + 1 : h;
    expect(half_of_float(middle) == even, "the middle above %04x", h);
    expect(half_of_float(nextafterf(middle, 0)) == h, "below the middle above %04x", h);
    expect(half_of_float(nextafterf(middle, INFINITY)) == h + 1, "over the middle above %04x", h);
    expect(half_of_float(-middle) == (even | 0x8000), "the middle below −%04x", h);
  }
  expect(half_of_float(65519.996f) == 0x7BFF, "the last that is finite");
  expect(half_of_float(65520) == 0x7C00 && half_of_float(-65520) == 0xFC00, "the first that is not");
  expect(half_of_float(0x1p-25f) == 0 && half_of_float(nextafterf(0x1p-25f, 1)) == 1, "the smallest");
  expect(half_of_float(0x1p-149f) == 0 && half_of_float(-0x1p-149f) == 0x8000, "a denormal float");
}

/// The same of bfloat16, whose values are the upper halves of floats.
static void check_bfloat_ties(void) {
  for (uint32_t b = 0; b < 0x7F7F; b++) {
    const uint32_t bits[4] = {b << 16 | 0x8000, b << 16 | 0x7FFF, b << 16 | 0x8001, 0x80000000u | b << 16 | 0x8000};
    const uint16_t even = (uint16_t)(b + (b & 1)), nearest[4] = {even, (uint16_t)b, (uint16_t)(b + 1), even | 0x8000};
    uint16_t found[4];
    float x[4];
    memcpy(x, bits, sizeof bits);
    unfold_to_bfloat(x, found, 4);
    expect(is_same(found, nearest, sizeof nearest), "around the middle above bfloat16 %04x", b);
  }
  const float overflow[2] = {0x1.fffp127f, -INFINITY};
  uint16_t found[2];
  expect(unfold_to_bfloat(overflow, found, 2) == 0 && found[0] == 0x7F80 && found[1] == 0xFF80, "too large a number");
}

/// Numbers of every exponent, and of every kind of NaN.
static void check_any_float(void) {
  enum { count = 1 << 20 };
  float *x = random_bytes(count * sizeof(float), 0), *rounded = random_bytes(count * sizeof(float), 0);
  float *plain_rounded = random_bytes(count * sizeof(float), 0);
  uint16_t *y = random_bytes(count * 2, 0), *plain = random_bytes(count * 2, 0);
  for (size_t i = 0; i < 4096; i++) x[i] = float_of_bits(0x7F800000u | (uint32_t)next_bits() % 0x800000u);
  size_t first = unfold_to_half(x, y, count), plain_first = portable_to_half(x, plain, count);
  expect(first == plain_first, "the first overflow of float16: %zu, %zu", first, plain_first);
  for (size_t i = 0; i < count; i++)
    expect(y[i] == plain[i], "%08x to float16: %04x, portably %04x", bits_of_float(x[i]), y[i], plain[i]);
  first = unfold_to_bfloat(x, y, count), plain_first = portable_to_bfloat(x, plain, count);
  expect(first == plain_first && is_same(y, plain, count * 2), "to bfloat16");
  unfold_round_to_bfloat(x, rounded, count);
  portable_round_to_bfloat(x, plain_rounded, count);
  expect(is_same(rounded, plain_rounded, count * sizeof(float)), "rounding to bfloat16");
  unfold_from_bfloat(y, x, count);
  expect(is_same(x, rounded, count * sizeof(float)), "from bfloat16");
  for (void **p = (void *[]){x, rounded, plain_rounded, y, plain, 0}; *p; p++) release(*p);
}

/// Odd lengths at addresses that are aligned to an element alone; nothing is written beyond.
static void check_lengths(void) {
  for (size_t n = 0; n < 70; n++)
    for (size_t offset = 0; offset < 4; offset++) {
      float *x = random_bytes((n + 1) * 4, offset * 4), *back = random_bytes((n + 1) * 4, offset * 4);
      uint16_t *y = random_bytes((n + 1) * 2, offset * 2), *plain = random_bytes((n + 1) * 2, offset * 2);
      for (size_t i = 0; i < n; i++) x[i] = next_normal();
      if (n > 0) x[n - 1] = 1e6f;
      uint16_t beyond = y[n] = plain[n];
      float behind = back[n] = 7;
      size_t bad = unfold_to_half(x, y, n);
      expect(bad == (n ? n - 1 : 0) && bad == portable_to_half(x, plain, n), "the overflow among %zu", n);
      expect(is_same(y, plain, n * 2) && y[n] == beyond, "%zu to float16", n);
      unfold_from_half(y, back, n);
      for (size_t i = 0; i < n; i++) expect((double)back[i] == value_of_half(y[i]), "%zu from float16", n);
      expect(back[n] == behind, "beyond %zu from float16", n);
      for (void **p = (void *[]){x, back, y, plain, 0}; *p; p++) release(*p);
    }
}

void check_formats(void) {
  check_every_half();
  check_ties();
  check_bfloat_ties();
  check_any_float();
  check_lengths();
}
