// Softmax and rotary positions beside loops in double precision.
#include "checks.h"

#define unit 0x1p-24

static void check_softmax(size_t n, size_t first, size_t end) {
  float *x = random_normals(n), *y = random_normals(n);
  for (size_t i = 0; i < n; i++) x[i] *= 5;
  unfold_softmax_row(x, y, n, first, end);
  double most = -INFINITY, sum = 0;
  for (size_t i = first; i < end; i++) most = fmax(most, (double)x[i]);
  for (size_t i = first; i < end; i++) sum += exp((double)x[i] - most);
  for (size_t i = 0; i < n; i++) {
    double share = i >= first && i < end ? exp((double)x[i] - most) / sum : 0;
    // Differences are rounded before the exponential, and sums of n grow by their rounding.
    double bound = unit * share * (8 + fabs((double)x[i] - most) + (double)(end - first) / 8);
    expect(is_near((double)y[i], share, bound), "a softmax of %zu: %g, not %g", n, (double)y[i], share);
  }
  release(x);
  release(y);
}

static void check_rotary(size_t head_size, size_t rotated, bool interleaved) {
  enum { rows = 3, heads = 2 };
  size_t pairs = rotated / 2, n = rows * heads * head_size;
  float *x = random_normals(n), *y = random_normals(n);
  float *c = random_normals(8 * pairs + 1), *s = random_normals(8 * pairs + 1);
  const int32_t positions[rows] = {0, 7, 3};
  for (size_t i = 0; i < 8 * pairs; i++) {
    float angle = c[i];
    c[i] = cosf(angle);
    s[i] = sinf(angle);
  }
  unfold_rotary(x, y, rows, heads, head_size, rotated, interleaved, positions, c, s);
  for (size_t i = 0; i < n; i++) {
    const float *head = x + i / head_size * head_size;
    size_t e = i % head_size, pair = interleaved ? e / 2 : e % (pairs ? pairs : 1);
    double value = (double)x[i], size = 0;
    if (e < 2 * pairs) {
      size_t at = (size_t)positions[i / (heads * head_size)] * pairs + pair;
      bool is_second = interleaved ? e & 1 : e >= pairs;
      double a = (double)head[interleaved ? 2 * pair : pair];
      double b = (double)head[interleaved ? 2 * pair + 1 : pair + pairs];
      double left = (is_second ? b : a) * (double)c[at], right = (is_second ? a : -b) * (double)s[at];
      value = left + right;
      size = fabs(left) + fabs(right);
    }
    expect(
        is_near((double)y[i], value, 2 * unit * size), "rotary %zu of %zu: %g, not %g", rotated, head_size,
        (double)y[i], value);
  }
  float *in_place = random_normals(n);
  memcpy(in_place, x, n * 4);
  unfold_rotary(in_place, in_place, rows, heads, head_size, rotated, interleaved, positions, c, s);
  expect(is_same(in_place, y, n * 4), "rotary %zu of %zu in place", rotated, head_size);
  for (void **p = (void *[]){x, y, c, s, in_place, 0}; *p; p++) release(*p);
}

void check_attention(void) {
  static const size_t lengths[] = {1, 2, 5, 16, 31, 33, 64, 100, 1023};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    check_softmax(lengths[i], 0, lengths[i]);
    check_softmax(lengths[i], lengths[i] / 3, lengths[i] - lengths[i] / 4);
  }
  float x[3] = {-INFINITY, -INFINITY, -INFINITY}, y[3];
  unfold_softmax_row(x, y, 3, 0, 3);
  expect(isnan(y[0]) && isnan(y[2]), "a softmax of −∞");
  unfold_softmax_row(x, y, 3, 2, 2);
  expect(y[0] == 0 && y[1] == 0 && y[2] == 0, "a softmax of nothing");
  static const size_t sizes[] = {2, 6, 16, 18, 64, 80};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (size_t rotated = 0; rotated <= sizes[i]; rotated += 2) {
      check_rotary(sizes[i], rotated, false);
      check_rotary(sizes[i], rotated, true);
    }
}
