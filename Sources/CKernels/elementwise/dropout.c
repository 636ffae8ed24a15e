#include "dl_elementwise.h"

#include "template.h"

#define DL_LANES 16
#define DL_INC "elementwise/dropout.inc"
#include "instantiate.h"

// word * 2^-32 >= p is word > ceil(p 2^32) - 1; p = 0 keeps all and p = 1 keeps none.
static void dl_dropout(
    dl_dtype t, const void *x, size_t rows, size_t cols, uint64_t first_row, uint64_t first,
    uint64_t key, double p, void *y, int accumulate) {
  double threshold = ceil(p * 4294967296.0);
  if (!(threshold > 0)) {
    dl_scale(t, 1, x, y, rows * cols, accumulate);
  } else {
    uint32_t last = threshold >= 4294967296.0 ? UINT32_MAX : (uint32_t)threshold - 1;
    double scale = p < 1 ? 1 / (1 - p) : 0;
    DL_CALL(dropout, t, x, rows, cols, first_row, first, key, last, scale, y, accumulate);
  }
}

void dl_dropout_forward(
    dl_dtype t, const void *x, size_t rows, size_t cols, uint64_t first_row, uint64_t key,
    double p, void *y) {
  dl_dropout(t, x, rows, cols, first_row, 0, key, p, y, 0);
}

void dl_dropout_backward(
    dl_dtype t, const void *dy, size_t rows, size_t cols, uint64_t first_row, uint64_t key,
    double p, void *dx, int accumulate) {
  dl_dropout(t, dy, rows, cols, first_row, 0, key, p, dx, accumulate);
}

void dl_dropout_forward_part(
    dl_dtype t, const void *x, size_t count, uint64_t row, uint64_t first, uint64_t key,
    double p, void *y) {
  dl_dropout(t, x, 1, count, row, first, key, p, y, 0);
}

void dl_dropout_backward_part(
    dl_dtype t, const void *dy, size_t count, uint64_t row, uint64_t first, uint64_t key,
    double p, void *dx, int accumulate) {
  dl_dropout(t, dy, 1, count, row, first, key, p, dx, accumulate);
}
