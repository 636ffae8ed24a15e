#include "columns.h"
#include "dl_norm.h"
#include "template.h"

#define DL_INC "norm/batch_norm.inc"
#include "instantiate.h"

void dl_batch_norm_moments(
    dl_dtype t, const void *x, size_t rows, size_t channels, double *mean, double *m2) {
  DL_CALL(moments, t, x, rows, channels, mean, m2);
}

void dl_batch_norm_normalize(
    dl_dtype t, const void *x, size_t rows, size_t channels, const double *mean,
    const double *invstd, const void *gamma, const void *beta, const void *residual, int relu,
    void *y) {
  DL_CALL(normalize, t, x, rows, channels, mean, invstd, gamma, beta, residual, relu, y);
}

void dl_batch_norm_backward_sums(
    dl_dtype t, const void *x, void *dy, const void *y, size_t rows, size_t channels,
    const double *mean, const double *invstd, double *sum_dy, double *sum_dy_xhat) {
  DL_CALL(backward_sums, t, x, dy, y, rows, channels, mean, invstd, sum_dy, sum_dy_xhat);
}

void dl_batch_norm_backward_input(
    dl_dtype t, const void *x, const void *dy, size_t rows, size_t channels, const double *mean,
    const double *invstd, const void *gamma, const double *sum_dy, const double *sum_dy_xhat,
    double n_global, void *dx, int accumulate) {
  DL_CALL(
      backward_input, t, x, dy, rows, channels, mean, invstd, gamma, sum_dy, sum_dy_xhat,
      n_global, dx, accumulate);
}
