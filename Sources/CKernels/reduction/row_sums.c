#include "dl_reduction.h"

#include "columns.h"
#include "template.h"

#define DL_INC "reduction/row_sums.inc"
#include "instantiate.h"

double dl_sum(dl_dtype t, const void *x, size_t n) { return DL_CALL(sum, t, x, n); }

double dl_dot(dl_dtype t, const void *a, const void *b, size_t n) {
  return DL_CALL(dot, t, a, b, n);
}

double dl_abs_sum(dl_dtype t, const void *x, size_t n) { return DL_CALL(abs_sum, t, x, n); }

double dl_abs_max(dl_dtype t, const void *x, size_t n) { return DL_CALL(abs_max, t, x, n); }

void dl_sum_axes(
    dl_dtype t, const void *x, size_t outer, size_t axis, size_t inner, double scale, void *y,
    int accumulate) {
  DL_CALL(sum_axes, t, x, outer, axis, inner, scale, y, accumulate);
}

void dl_broadcast_axes(
    dl_dtype t, const void *dy, size_t outer, size_t axis, size_t inner, double scale, void *dx,
    int accumulate) {
  DL_CALL(broadcast_axes, t, dy, outer, axis, inner, scale, dx, accumulate);
}

void dl_square_sum_blocks(
    dl_dtype t, const void *x, size_t n, size_t block, double *partials, int *nonfinite) {
  DL_CALL(square_sum_blocks, t, x, n, block, partials, nonfinite);
}

void dl_argmax_rows(dl_dtype t, const void *x, size_t rows, size_t cols, int32_t *index) {
  DL_CALL(argmax_rows, t, x, rows, cols, index);
}

void dl_column_sums(
    dl_dtype t, const void *x, size_t rows, size_t cols, void *y, int accumulate) {
  DL_CALL(column_sums, t, x, rows, cols, 1, y, accumulate);
}
