#include "dl_norm.h"
#include "template.h"

#define DL_INC "norm/layer_norm.inc"
#include "instantiate.h"

void dl_layer_norm_forward(
    dl_dtype t, const void *x, size_t rows, size_t d, const void *gamma, const void *beta,
    double eps, void *y, void *mean, void *rstd) {
  DL_CALL(layer_norm_forward, t, x, rows, d, gamma, beta, eps, y, mean, rstd);
}

void dl_layer_norm_backward(
    dl_dtype t, const void *x, const void *dy, size_t rows, size_t d, const void *gamma,
    const void *mean, const void *rstd, void *dx, void *dgamma, void *dbeta, int accumulate,
    double *scratch) {
  DL_CALL(
      layer_norm_backward, t, x, dy, rows, d, gamma, mean, rstd, dx, dgamma, dbeta, accumulate,
      scratch);
}
