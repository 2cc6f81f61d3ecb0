// Transposes of every small shape and some larger ones, with rows that lie apart; nothing beside them is touched.
#include "checks.h"

static void check_shape(size_t rows, size_t columns, size_t x_stride, size_t y_stride, size_t offset) {
  float *x = random_bytes(rows * x_stride * 4, offset * 4), *y = random_bytes(columns * y_stride * 4, offset * 4);
  float *before = random_bytes(columns * y_stride * 4, 0);
  memcpy(before, y, columns * y_stride * 4);
  unfold_transpose(x, rows, columns, x_stride, y, y_stride);
  bool is_right = true;
  for (size_t c = 0; c < columns; c++)
    for (size_t r = 0; r < y_stride; r++)
      is_right &= is_same(y + c * y_stride + r, r < rows ? x + r * x_stride + c : before + c * y_stride + r, 4);
  expect(is_right, "a transpose of %zu × %zu, rows %zu and %zu apart", rows, columns, x_stride, y_stride);
  for (void **p = (void *[]){x, y, before, 0}; *p; p++) release(*p);
}

void check_layout(void) {
  for (size_t rows = 0; rows < 36; rows++)
    for (size_t columns = 0; columns < 36; columns++) {
      check_shape(rows, columns, columns, rows, 0);
      check_shape(rows, columns, columns + 3, rows + 5, 1);
    }
  check_shape(1, 1000, 1000, 1, 0);
  check_shape(1000, 1, 1, 1000, 0);
  check_shape(257, 131, 140, 257, 3);
}
