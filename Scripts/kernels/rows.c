// Norms, sums and products of vectors and rows beside loops in double precision.
#include "checks.h"

static const size_t lengths[] = {1, 2, 3, 4, 7, 15, 16, 17, 63, 65, 768, 1001, 8195};
enum { length_count = sizeof lengths / sizeof *lengths };
#define unit 0x1p-24

static void check_norm(size_t columns, bool centred) {
  enum { rows = 3 };
  float *x = random_normals(rows * columns), *w = random_normals(columns), *b = random_normals(columns);
  float *y = random_normals(rows * columns), *plain = random_normals(rows * columns);
  float scale[rows], mean[rows], again[rows];
  // The mean is far from zero, beside which single precision would lose the deviations.
  for (size_t i = 0; i < rows * columns; i++) x[i] = x[i] * 2 + (centred ? 30 : 0);
  unfold_norm(x, rows, columns, centred, 1e-5f, w, 1, b, scale, plain, y);
  unfold_norm_scale(x, rows, columns, 1e-5f, centred ? mean : 0, again);
  for (size_t r = 0; r < rows; r++) {
    const float *row = x + r * columns;
    double m = 0, squares = 0;
    for (size_t c = 0; c < columns; c++) m += centred ? (double)row[c] / (double)columns : 0;
    for (size_t c = 0; c < columns; c++) squares += ((double)row[c] - m) * ((double)row[c] - m);
    double s = sqrt(squares / (double)columns + (double)1e-5f);
    // The mean is rounded to single precision, which the deviations feel.
    double off = 1.01 * unit * fabs(m), bound = 16 * unit * s + off;
    expect(
        is_near((double)scale[r], s, bound) && again[r] == scale[r], "the scale of %zu: %g, not %g", columns,
        (double)scale[r], s);
    if (centred) expect(is_near((double)mean[r], m, off), "the mean of %zu", columns);
    for (size_t c = 0; c < columns; c++) {
      float found = plain[r * columns + c], whole = y[r * columns + c];
      double z = ((double)row[c] - m) / s, v = z * ((double)w[c] + 1) + (double)b[c];
      double z_bound = (off + 2 * unit * fabs(z) * s + fabs(z) * bound) / s;
      double v_bound = (z_bound + 2 * unit * fabs(z)) * fabs((double)w[c] + 1);
      v_bound += 2 * unit * (fabs(v) + fabs((double)b[c]));
      expect(is_near((double)found, z, z_bound), "normalized, %zu columns: %g, not %g", columns, (double)found, z);
      expect(is_near((double)whole, v, v_bound), "a norm of %zu columns: %g, not %g", columns, (double)whole, v);
    }
  }
  unfold_normalize(x, rows, columns, centred ? mean : 0, again, y);
  expect(is_same(y, plain, rows * columns * 4), "a norm in steps, %zu columns", columns);
  for (void **p = (void *[]){x, w, b, y, plain, 0}; *p; p++) release(*p);
}

static void check_vectors(size_t n) {
  float *a = random_normals(n), *b = random_normals(n), *y = random_normals(n), *z = random_normals(n);
  unfold_add(a, b, y, n);
  unfold_multiply(a, b, z, n);
  for (size_t i = 0; i < n; i++) expect(y[i] == a[i] + b[i] && z[i] == a[i] * b[i], "sums and products of %zu", n);
  unfold_scale(1.5f, 0.25f, a, y, n);
  memcpy(z, b, n * 4);
  unfold_axpy(-0.7f, a, z, n);
  double dot = 0, sum = 0, size = 0, most = -INFINITY;
  for (size_t i = 0; i < n; i++) {
    double scaled = 1.5 * (double)a[i] + 0.25, moved = (double)b[i] + (double)-0.7f * (double)a[i];
    expect(is_near((double)y[i], scaled, 2 * unit * (fabs(scaled) + 0.25)), "a scaling of %zu", n);
    expect(is_near((double)z[i], moved, 2 * unit * (fabs((double)b[i]) + fabs(moved))), "a multiple added, %zu", n);
    dot += (double)a[i] * (double)b[i];
    size += fabs((double)a[i] * (double)b[i]);
    sum += (double)a[i];
    most = fmax(most, (double)a[i]);
  }
  expect(is_near((double)unfold_dot(a, b, n), dot, unit * (double)n * size), "a product of %zu", n);
  expect(is_near(unfold_dot_double(a, b, n), dot, 1e-12 * size), "a product of %zu in double", n);
  expect(is_near(unfold_sum(a, n), sum, 1e-12 * (double)n), "a sum of %zu", n);
  expect((double)unfold_maximum(a, n) == most, "the largest of %zu", n);
  a[n / 2] = NAN;
  b[n - 1] = -INFINITY;
  expect(unfold_count_nonfinite(a, n) == 1 && unfold_count_nonfinite(b, n) == 1, "what is not finite among %zu", n);
  for (void **p = (void *[]){a, b, y, z, 0}; *p; p++) release(*p);
}

/// Both layouts of the weights, with more outputs than lie side by side and an odd number of rows.
static void check_few_rows(size_t inputs, size_t outputs) {
  enum { rows = 3 };
  size_t stride = outputs + 2;
  float *w = random_normals(outputs * inputs), *turned = random_normals(outputs * inputs);
  float *x = random_normals(rows * inputs), *bias = random_normals(outputs);
  float *y = random_normals(rows * stride), *z = random_normals(rows * stride);
  for (size_t o = 0; o < outputs; o++)
    for (size_t i = 0; i < inputs; i++) turned[i * outputs + o] = w[o * inputs + i];
  unfold_few_rows_by_outputs(w, outputs, inputs, x, rows, bias, y, stride);
  unfold_few_rows_by_inputs(turned, outputs, outputs, inputs, x, rows, bias, z, stride);
  for (size_t r = 0; r < rows; r++)
    for (size_t o = 0; o < outputs; o++) {
      double sum = (double)bias[o], size = fabs(sum);
      for (size_t i = 0; i < inputs; i++) {
        double product = (double)w[o * inputs + i] * (double)x[r * inputs + i];
        sum += product;
        size += fabs(product);
      }
      double bound = unit * (double)(inputs + 1) * size;
      expect(is_near((double)y[r * stride + o], sum, bound), "%zu weights by outputs, %zu outputs", inputs, outputs);
      expect(is_near((double)z[r * stride + o], sum, bound), "%zu weights by inputs, %zu outputs", inputs, outputs);
    }
  for (void **p = (void *[]){w, turned, x, bias, y, z, 0}; *p; p++) release(*p);
}

static float of_bfloat16(uint16_t half) {
  uint32_t bits = (uint32_t)half << 16;
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

/// The upper halves of random numbers.
static uint16_t *random_bfloat16(size_t n) {
  float *values = random_normals(n);
  uint16_t *halves = (uint16_t *)random_normals((n + 1) / 2);
  for (size_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, values + i, 4);
    halves[i] = (uint16_t)(bits >> 16);
  }
  release(values);
  return halves;
}

/// Weights of bfloat16 in pairs of inputs, against a sum in double.
static void check_few_rows_by_pairs(size_t inputs, size_t outputs) {
  enum { rows = 3 };
  size_t pairs = (inputs + 1) / 2, stride = outputs + 2, w_stride = outputs + 3;
  float *bias = random_normals(outputs), *y = random_normals(rows * stride);
  uint16_t *w = random_bfloat16(2 * pairs * w_stride), *x = random_bfloat16(rows * inputs);
  if (inputs % 2)
    for (size_t o = 0; o < w_stride; o++) w[2 * ((pairs - 1) * w_stride + o) + 1] = 0;
  unfold_few_rows_by_pairs(w, w_stride, outputs, inputs, x, rows, bias, y, stride);
  for (size_t r = 0; r < rows; r++)
    for (size_t o = 0; o < outputs; o++) {
      double sum = (double)bias[o], size = fabs(sum);
      for (size_t i = 0; i < inputs; i++) {
        double product =
            (double)of_bfloat16(w[2 * (i / 2 * w_stride + o) + i % 2]) * (double)of_bfloat16(x[r * inputs + i]);
        sum += product;
        size += fabs(product);
      }
      double bound = unit * (double)(inputs + 1) * size;
      expect(is_near((double)y[r * stride + o], sum, bound), "%zu weights by pairs, %zu outputs", inputs, outputs);
    }
  for (void **p = (void *[]){bias, y, w, x, 0}; *p; p++) release(*p);
}

void check_rows(void) {
  for (size_t i = 0; i < length_count; i++) {
    check_norm(lengths[i], true);
    check_norm(lengths[i], false);
    check_vectors(lengths[i]);
    check_few_rows(lengths[i], 1 + i * 3);
    check_few_rows_by_pairs(lengths[i], 1 + i * 3);
  }
  check_few_rows(9, 2051);
}
