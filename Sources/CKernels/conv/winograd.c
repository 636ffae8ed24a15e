#include "conv/winograd.h"

#include <stdint.h>
#include <string.h>

#include "conv/kernels.h"

#pragma STDC FP_CONTRACT OFF

#define DL_TILED "conv/winograd.inc"
#include "gemm/levels.inc"

int dl_winograd_suits(const dl_conv_geometry *g, size_t out) {
  const size_t tiles = (g->oh + 1) / 2 * ((g->ow + 1) / 2);
  return g->kh == 3 && g->kw == 3 && g->stride_h == 1 && g->stride_w == 1 &&
         g->dilation_h == 1 && g->dilation_w == 1 && g->c >= DL_WINOGRAD_CHANNELS &&
         out >= DL_WINOGRAD_CHANNELS && g->n * tiles > 0 && tiles * 4 <= g->oh * g->ow * 3 / 2;
}

void dl_winograd_forward(
    dl_dtype t, const dl_conv_geometry *g, const void *x, size_t inputs, const void *w,
    const void *bias, int relu, void *y, size_t out, size_t outputs) {
  static const forward_kernel kernels[][2] = DL_LEVEL_TABLE(winograd_forward);
  kernels[dl_cpu_level()][t](g, x, inputs, w, bias, relu, y, out, outputs);
}

void dl_winograd_backward_input(
    dl_dtype t, const dl_conv_geometry *g, const void *dy, const void *w, void *dx,
    size_t inputs, size_t out, size_t outputs, int accumulate) {
  static const input_kernel kernels[][2] = DL_LEVEL_TABLE(winograd_backward_input);
  kernels[dl_cpu_level()][t](g, dy, w, dx, inputs, out, outputs, accumulate);
}

void dl_winograd_backward_weight(
    dl_dtype t, const dl_conv_geometry *g, const void *x, size_t inputs, const void *dy,
    void *dw, size_t out, size_t outputs, int accumulate) {
  static const weight_kernel kernels[][2] = DL_LEVEL_TABLE(winograd_backward_weight);
  kernels[dl_cpu_level()][t](g, x, inputs, dy, dw, out, outputs, accumulate);
}
