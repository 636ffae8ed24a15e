#include "dl_reduction.h"

#include "template.h"

#define DL_INC "reduction/softmax.inc"
#include "instantiate.h"

void dl_softmax_forward(dl_dtype t, const void *x, size_t rows, size_t cols, void *y) {
  DL_CALL(softmax_forward, t, x, rows, cols, y);
}

void dl_softmax_backward(
    dl_dtype t, const void *y, const void *dy, size_t rows, size_t cols, void *dx,
    int accumulate) {
  DL_CALL(softmax_backward, t, y, dy, rows, cols, dx, accumulate);
}

void dl_log_softmax_forward(dl_dtype t, const void *x, size_t rows, size_t cols, void *y) {
  DL_CALL(log_softmax_forward, t, x, rows, cols, y);
}

void dl_log_softmax_backward(
    dl_dtype t, const void *y, const void *dy, size_t rows, size_t cols, void *dx,
    int accumulate) {
  DL_CALL(log_softmax_backward, t, y, dy, rows, cols, dx, accumulate);
}
