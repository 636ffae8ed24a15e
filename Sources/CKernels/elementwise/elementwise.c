#include "dl_elementwise.h"

#include "template.h"

#define DL_INC "elementwise/elementwise.inc"
#include "instantiate.h"

void dl_fill(dl_dtype t, double value, void *y, size_t n) { DL_CALL(fill, t, value, y, n); }

void dl_copy(dl_dtype t, const void *x, void *y, size_t n) {
  if (n > 0 && x != y) memcpy(y, x, n * (t == DL_F32 ? sizeof(float) : sizeof(double)));
}

void dl_scale(dl_dtype t, double a, const void *x, void *y, size_t n, int accumulate) {
  DL_CALL(scale, t, a, x, y, n, accumulate);
}

void dl_axpy(dl_dtype t, double a, const void *x, void *y, size_t n) {
  DL_CALL(scale, t, a, x, y, n, 1);
}

void dl_add_doubles(dl_dtype t, const double *x, void *y, size_t n, int accumulate) {
  DL_CALL(add_doubles, t, x, y, n, accumulate);
}

void dl_multiply_add(
    dl_dtype t, const void *dy, const void *b, void *dx, size_t n, int accumulate) {
  DL_CALL(multiply_add, t, dy, b, dx, n, accumulate);
}

void dl_clamp(dl_dtype t, double low, double high, const void *x, void *y, size_t n) {
  DL_CALL(clamp, t, low, high, x, y, n);
}
