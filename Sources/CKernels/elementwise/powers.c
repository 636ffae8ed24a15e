#include "dl_elementwise.h"

#include "template.h"

#define DL_INC "elementwise/powers.inc"
#include "instantiate.h"

void dl_power(dl_dtype t, double exponent, const void *x, void *y, size_t n) {
  DL_CALL(power, t, exponent, x, y, n);
}

void dl_power_backward(
    dl_dtype t, double exponent, const void *x, const void *dy, void *dx, size_t n,
    int accumulate) {
  DL_CALL(power_backward, t, exponent, x, dy, dx, n, accumulate);
}

void dl_clamp_backward(
    dl_dtype t, double low, double high, const void *x, const void *dy, void *dx, size_t n,
    int accumulate) {
  DL_CALL(clamp_backward, t, low, high, x, dy, dx, n, accumulate);
}
