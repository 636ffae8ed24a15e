#include "dl_norm.h"
#include "template.h"

#define DL_INC "norm/group_norm.inc"
#include "instantiate.h"

void dl_group_norm_forward(
    dl_dtype t, const void *x, size_t batch, size_t area, size_t channels, size_t groups,
    const void *gamma, const void *beta, double eps, void *y, double *mean, double *rstd,
    double *scratch) {
  DL_CALL(
      group_norm_forward, t, x, batch, area, channels, groups, gamma, beta, eps, y, mean, rstd,
      scratch);
}

void dl_group_norm_backward(
    dl_dtype t, const void *x, const void *dy, size_t batch, size_t area, size_t channels,
    size_t groups, const void *gamma, const double *mean, const double *rstd, void *dx,
    void *dgamma, void *dbeta, int accumulate, double *scratch) {
  DL_CALL(
      group_norm_backward, t, x, dy, batch, area, channels, groups, gamma, mean, rstd, dx,
      dgamma, dbeta, accumulate, scratch);
}
