#ifndef DL_POWERS_H
#define DL_POWERS_H

#include "dl_types.h"

/// y[i] = x[i]^exponent, rounded once from double.
void dl_power(dl_dtype t, double exponent, const void *x, void *y, size_t n);

/// dx[i] (+)= exponent * x[i]^(exponent - 1) * dy[i]; 0 where the exponent is 0.
void dl_power_backward(
    dl_dtype t, double exponent, const void *x, const void *dy, void *dx, size_t n,
    int accumulate);

/// dx[i] (+)= dy[i] where low <= x[i] <= high.
void dl_clamp_backward(
    dl_dtype t, double low, double high, const void *x, const void *dy, void *dx, size_t n,
    int accumulate);

#endif
