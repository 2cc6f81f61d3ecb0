// Statistics of columns beside loops over one column.
#include "checks.h"

static void check_shape(size_t rows, size_t columns) {
  size_t stride = columns + 1;
  float *x = random_normals(rows * stride), *threshold = random_normals(columns);
  float *low = random_normals(columns), *high = random_normals(columns), *least = random_normals(columns);
  float *most = random_normals(columns);
  double *m = calloc(columns * 5, sizeof(double));
  int32_t *at = calloc(columns * 2, sizeof(int32_t));
  int64_t *above = calloc(columns * 2, sizeof(int64_t));
  if (!m || !at || !above) exit(2);
  double *sum = m + 4 * columns;
  unfold_column_moments(x, rows, columns, stride, m, m + columns, m + 2 * columns, m + 3 * columns, low, high);
  unfold_column_maximum(x, rows, columns, stride, most, at);
  unfold_column_minimum(x, rows, columns, stride, least, at + columns);
  unfold_column_count_above(x, rows, columns, stride, threshold, false, above);
  unfold_column_count_above(x, rows, columns, stride, threshold, true, above + columns);
  unfold_column_sum(x, rows, columns, stride, sum);
  for (size_t c = 0; c < columns; c++) {
    double mean = 0, power[3] = {0, 0, 0}, size[3] = {0, 0, 0};
    size_t first_low = 0, first_high = 0;
    int64_t over = 0, beyond = 0;
    for (size_t r = 0; r < rows; r++) {
      float v = x[r * stride + c];
      mean += (double)v;
      if (v < x[first_low * stride + c]) first_low = r;
      if (v > x[first_high * stride + c]) first_high = r;
      over += v > threshold[c];
      beyond += fabsf(v) > threshold[c];
    }
    expect(is_near(sum[c], mean, 1e-12 * (double)rows), "a column's sum");
    mean /= (double)rows;
    for (size_t r = 0; r < rows; r++) {
      double d = (double)x[r * stride + c] - mean;
      for (int p = 0; p < 3; p++) {
        power[p] += pow(d, p + 2);
        size[p] += pow(fabs(d), p + 2);
      }
    }
    expect(is_near(m[c], mean, 1e-12), "a column's mean");
    for (int p = 0; p < 3; p++)
      expect(
          is_near(m[(size_t)(p + 1) * columns + c], power[p], 1e-12 * size[p] + 1e-25), "power %d of %zu rows", p + 2,
          rows);
    expect(low[c] == x[first_low * stride + c] && least[c] == low[c], "the smallest of a column");
    expect(high[c] == x[first_high * stride + c] && most[c] == high[c], "the largest of a column");
    expect(at[c] == (int32_t)first_high && at[columns + c] == (int32_t)first_low, "the rows of extremes");
    expect(above[c] == over && above[columns + c] == beyond, "how many lie above");
  }
  free(m);
  free(at);
  free(above);
  for (void **p = (void *[]){x, threshold, low, high, least, most, 0}; *p; p++) release(*p);
}

void check_columns(void) {
  static const size_t columns[] = {1, 3, 63, 64, 65, 200};
  for (size_t rows = 1; rows < 40; rows += 3)
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) check_shape(rows, columns[i]);
}
