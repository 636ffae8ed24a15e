#ifndef DL_SOFTMAX_H
#define DL_SOFTMAX_H

#include "dl_types.h"

// Over the last axis of [rows, cols]. Outputs may be the same buffers as inputs.

/// y = exp(x - max) / sum exp(x - max).
void dl_softmax_forward(dl_dtype t, const void *x, size_t rows, size_t cols, void *y);

/// dx (+)= y * (dy - sum(dy * y)).
void dl_softmax_backward(
    dl_dtype t, const void *y, const void *dy, size_t rows, size_t cols, void *dx,
    int accumulate);

/// y = x - max - log(sum exp(x - max)).
void dl_log_softmax_forward(dl_dtype t, const void *x, size_t rows, size_t cols, void *y);

/// dx (+)= dy - exp(y) * sum(dy).
void dl_log_softmax_backward(
    dl_dtype t, const void *y, const void *dy, size_t rows, size_t cols, void *dx,
    int accumulate);

#endif
