#ifndef DL_ACTIVATIONS_H
#define DL_ACTIVATIONS_H

#include "dl_types.h"

// Activations with several numbers or with weights. accumulate: nonzero adds into the output.

/// y[i] = log(1 + exp(beta x[i])) / beta, or x[i] where beta x[i] > threshold.
void dl_softplus_forward(
    dl_dtype t, double beta, double threshold, const void *x, void *y, size_t n);

/// dx[i] (+)= sigmoid(beta x[i]) * dy[i], or dy[i] where beta x[i] > threshold.
void dl_softplus_backward(
    dl_dtype t, double beta, double threshold, const void *x, const void *dy, void *dx,
    size_t n, int accumulate);

/// y = x > 0 ? x : weight[c] x over [rows, channels].
void dl_prelu_forward(
    dl_dtype t, const void *x, const void *weight, size_t rows, size_t channels, void *y);

/// dx (+)= (x > 0 ? 1 : weight[c]) * dy.
void dl_prelu_backward_input(
    dl_dtype t, const void *x, const void *weight, const void *dy, size_t rows, size_t channels,
    void *dx, int accumulate);

/// sums[c] = the sum over rows of min(x, 0) * dy, the gradient of the weight.
void dl_prelu_backward_weight(
    dl_dtype t, const void *x, const void *dy, size_t rows, size_t channels, double *sums);

/// y[i] = the largest of x[i * pieces ..< (i + 1) * pieces]; NaN if one is.
void dl_maxout_forward(dl_dtype t, const void *x, size_t pieces, void *y, size_t n);

/// dx (+)= dy at the first largest piece, 0 at the others; dx has n * pieces elements.
void dl_maxout_backward(
    dl_dtype t, const void *x, const void *dy, size_t pieces, void *dx, size_t n,
    int accumulate);

#endif
