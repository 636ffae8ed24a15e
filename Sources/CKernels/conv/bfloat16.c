#include "conv/bfloat16.h"

#include <string.h>

#include "conv/implicit.h"
#include "conv/kernels.h"
#include "gemm/tiles.h"

#pragma STDC FP_CONTRACT OFF

// Images are copied, and rounded then.
#define DL_ROUNDED 1
#define DL_TILED "conv/implicit.inc"
#include "gemm/bfloat16_levels.inc"

void dl_bfloat16_conv_forward(
    const dl_conv_geometry *g, const void *x, size_t inputs, const void *w, const void *bias,
    int relu, void *y, size_t out, size_t outputs) {
  static const forward_kernel kernels[] = DL_BFLOAT16_TABLE(conv_forward);
  kernels[dl_bfloat16_level()](g, x, inputs, w, bias, relu, y, out, outputs);
}

void dl_bfloat16_conv_backward_input(
    const dl_conv_geometry *g, const void *dy, const void *w, void *dx, size_t inputs,
    size_t out, size_t outputs, int accumulate) {
  static const input_kernel kernels[] = DL_BFLOAT16_TABLE(conv_backward_input);
  kernels[dl_bfloat16_level()](g, dy, w, dx, inputs, out, outputs, accumulate);
}

void dl_bfloat16_conv_backward_weight(
    const dl_conv_geometry *g, const void *x, size_t inputs, const void *dy, void *dw,
    size_t out, size_t outputs, int accumulate) {
  static const weight_kernel kernels[] = DL_BFLOAT16_TABLE(conv_backward_weight);
  kernels[dl_bfloat16_level()](g, x, inputs, dy, dw, out, outputs, accumulate);
}
