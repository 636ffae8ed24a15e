#include "dl_norm.h"
#include "template.h"

#define DL_INC "norm/rms_norm.inc"
#include "instantiate.h"

void dl_rms_norm_forward(
    dl_dtype t, const void *x, size_t rows, size_t d, const void *gamma, double eps, void *y,
    double *scale) {
  DL_CALL(rms_norm_forward, t, x, rows, d, gamma, eps, y, scale);
}

void dl_rms_norm_backward(
    dl_dtype t, const void *x, const void *dy, size_t rows, size_t d, const void *gamma,
    const double *scale, void *dx, void *dgamma, int accumulate, double *scratch) {
  DL_CALL(rms_norm_backward, t, x, dy, rows, d, gamma, scale, dx, dgamma, accumulate, scratch);
}
