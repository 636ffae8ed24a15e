// The kernels behind element type DL_BF16 of dl_conv.h.
#ifndef DL_CONV_BFLOAT16_H
#define DL_CONV_BFLOAT16_H

#include "dl_conv.h"

void dl_bfloat16_conv_forward(
    const dl_conv_geometry *g, const void *x, size_t inputs, const void *w, const void *bias,
    int relu, void *y, size_t out, size_t outputs);
void dl_bfloat16_conv_backward_input(
    const dl_conv_geometry *g, const void *dy, const void *w, void *dx, size_t inputs,
    size_t out, size_t outputs, int accumulate);
void dl_bfloat16_conv_backward_weight(
    const dl_conv_geometry *g, const void *x, size_t inputs, const void *dy, void *dw,
    size_t out, size_t outputs, int accumulate);

#endif
