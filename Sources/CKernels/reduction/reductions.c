#include "dl_reduction.h"

#include "template.h"

#define DL_INC "reduction/reductions.inc"
#include "instantiate.h"

void dl_reduce_rows(
    dl_dtype t, dl_row_reduction op, double alpha, const void *x, size_t rows, size_t cols,
    void *y) {
  DL_CALL(reduce_rows, t, op, alpha, x, rows, cols, y);
}

void dl_reduce_rows_backward(
    dl_dtype t, dl_row_reduction op, double alpha, const void *x, const void *y, const void *dy,
    size_t rows, size_t cols, void *dx, int accumulate) {
  DL_CALL(reduce_rows_backward, t, op, alpha, x, y, dy, rows, cols, dx, accumulate);
}
