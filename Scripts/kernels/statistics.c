// What is gathered about columns in one reading, beside a loop over one column and one document at a time.
#include "checks.h"

enum { rows = 150, columns = 77, stride = 80, documents = 5, k = 3, bin_half = 40, bin_shift = 21, bin_base = 480 };

/// Documents 0, 1, … of different lengths, a row left out at the head of each.
static const unfold_row_run runs[documents] = {{1, 20, 0}, {22, 37, 1}, {60, 5, 2}, {66, 64, 3}, {131, 19, 4}};

static double *zeros(void) {
  double *x = calloc(columns, sizeof(double));
  if (!x) exit(2);
  return x;
}

/// The best value of each document in turn, the best first.
static void check_lists(const float *x, size_t c, double sign, const unfold_top_lists *lists) {
  bool is_taken[documents] = {false};
  for (size_t place = 0; place < k; place++) {
    int best = -1;
    double best_value = -INFINITY;
    int64_t best_row = -1;
    for (int d = 0; d < documents; d++) {
      if (is_taken[d]) continue;
      for (size_t r = runs[d].first; r < runs[d].first + runs[d].count; r++)
        if (sign * (double)x[r * stride + c] > best_value) {
          best_value = sign * (double)x[r * stride + c];
          best_row = 1000 + (int64_t)r;
          best = d;
        }
    }
    is_taken[best] = true;
    expect(
        (double)lists->values[c * k + place] == sign * best_value && lists->rows[c * k + place] == best_row
            && lists->documents[c * k + place] == best,
        "column %zu, place %zu of the extremes", c, place);
  }
}

static unfold_top_lists empty_lists(void) {
  unfold_top_lists lists = {
      .k = k, .values = calloc(columns * k, sizeof(float)), .rows = malloc(columns * k * sizeof(int64_t)),
      .documents = calloc(columns * k, sizeof(int32_t))};
  if (!lists.values || !lists.rows || !lists.documents) exit(2);
  for (size_t i = 0; i < columns * k; i++) lists.rows[i] = -1;
  return lists;
}

static void check_column(const float *x, size_t c, const unfold_gathered *found) {
  double power[4] = {0}, size[4] = {0};
  const double *sums[4] = {found->sum1, found->sum2, found->sum3, found->sum4};
  uint32_t bins[2 * bin_half] = {0};
  float low = INFINITY, high = -INFINITY;
  int64_t positive = 0;
  for (int d = 0; d < documents; d++)
    for (size_t r = runs[d].first; r < runs[d].first + runs[d].count; r++) {
      float v = x[r * stride + c];
      for (int p = 0; p < 4; p++) {
        power[p] += pow((double)v - (double)found->pivot[c], p + 1);
        size[p] += pow(fabs((double)v - (double)found->pivot[c]), p + 1);
      }
      low = fminf(low, v);
      high = fmaxf(high, v);
      positive += v > 0;
      float magnitude = fabsf(v);
      uint32_t bits;
      memcpy(&bits, &magnitude, 4);
      int bin = (int)(bits >> bin_shift) - bin_base;
      bin = bin < 0 ? 0 : bin >= bin_half ? bin_half - 1 : bin;
      bins[v < 0 ? bin_half - 1 - bin : bin_half + bin]++;
    }
  for (int p = 0; p < 4; p++)
    expect(
        is_near(sums[p][c], power[p], 1e-12 * size[p]), "power %d of column %zu: %g, not %g", p + 1, c, sums[p][c],
        power[p]);
  expect(found->minimum[c] == low && found->maximum[c] == high, "the limits of column %zu", c);
  expect(found->positive[c] == positive, "how many of column %zu are positive", c);
  expect(is_same(found->histogram + c * 2 * bin_half, bins, sizeof bins), "the histogram of column %zu", c);
}

void check_statistics(void) {
  float *x = random_normals(rows * stride), *pivot = random_normals(columns);
  float *low = random_normals(columns), *high = random_normals(columns);
  int64_t *positive = calloc(columns, sizeof(int64_t));
  uint32_t *histogram = calloc(columns * 2 * bin_half, sizeof(uint32_t));
  if (!positive || !histogram) exit(2);
  for (size_t c = 0; c < columns; c++) low[c] = INFINITY, high[c] = -INFINITY;
  unfold_gathered into = {
      .first_row = 1000, .pivot = pivot, .sum1 = zeros(), .sum2 = zeros(), .sum3 = zeros(), .sum4 = zeros(),
      .minimum = low, .maximum = high, .positive = positive, .histogram = histogram, .bin_shift = bin_shift,
      .bin_base = bin_base, .bin_half = bin_half, .top = empty_lists(), .bottom = empty_lists()};
  // In two pieces of columns, of which the second has no whole tile.
  unfold_gather(x, stride, runs, documents, 0, 64, &into);
  unfold_gather(x, stride, runs, documents, 64, columns, &into);
  for (size_t c = 0; c < columns; c++) {
    check_column(x, c, &into);
    check_lists(x, c, 1, &into.top);
    check_lists(x, c, -1, &into.bottom);
  }
  for (void **p = (void *[]){x, pivot, low, high, 0}; *p; p++) release(*p);
  for (void **p = (void *[]){
           positive, histogram, into.sum1, into.sum2, into.sum3, into.sum4, into.top.values, into.top.rows,
           into.top.documents, into.bottom.values, into.bottom.rows, into.bottom.documents, 0};
       *p; p++)
    free(*p);
}
