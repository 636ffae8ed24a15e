#include "conv/winograd.h"

#include <stdint.h>
#include <string.h>

#include "conv/kernels.h"

#pragma STDC FP_CONTRACT OFF

#define DL_TILED "conv/winograd_tiles.inc"
#include "gemm/levels.inc"

// Tiles of side x side results that cover an image.
static size_t tiles(const dl_conv_geometry *g, size_t side) {
  return (g->oh + side - 1) / side * ((g->ow + side - 1) / side);
}

// Nonzero for tiles of 4 x 4 results: where they save a fifth of the multiplications, and an image has
// enough of them for the planes of the weights. The number of images must not count, since it depends
// on that of ranks.
static int large(const dl_conv_geometry *g, size_t out) {
  return tiles(g, 4) * 36 * 5 <= tiles(g, 2) * 16 * 4 &&
         g->c * out <= tiles(g, 4) * DL_WINOGRAD_WEIGHTS;
}

int dl_winograd_suits(const dl_conv_geometry *g, size_t out) {
  const size_t least = large(g, out) ? DL_WINOGRAD_CHANNELS_LARGE : DL_WINOGRAD_CHANNELS;
  return g->kh == 3 && g->kw == 3 && g->stride_h == 1 && g->stride_w == 1 &&
         g->dilation_h == 1 && g->dilation_w == 1 && g->c >= least && out >= least &&
         g->n * tiles(g, 2) > 0 && tiles(g, 2) * 4 <= g->oh * g->ow * 3 / 2;
}

void dl_winograd_forward(
    dl_dtype t, const dl_conv_geometry *g, const void *x, size_t inputs, const void *w,
    const void *bias, int relu, void *y, size_t out, size_t outputs) {
  static const forward_kernel small_tiles[][2] = DL_LEVEL_TABLE(winograd2_forward);
  static const forward_kernel large_tiles[][2] = DL_LEVEL_TABLE(winograd4_forward);
  const forward_kernel kernel = (large(g, out) ? large_tiles : small_tiles)[dl_cpu_level()][t];
  kernel(g, x, inputs, w, bias, relu, y, out, outputs);
}

void dl_winograd_backward_input(
    dl_dtype t, const dl_conv_geometry *g, const void *dy, const void *w, void *dx,
    size_t inputs, size_t out, size_t outputs, int accumulate) {
  static const input_kernel small_tiles[][2] = DL_LEVEL_TABLE(winograd2_backward_input);
  static const input_kernel large_tiles[][2] = DL_LEVEL_TABLE(winograd4_backward_input);
  const input_kernel kernel = (large(g, out) ? large_tiles : small_tiles)[dl_cpu_level()][t];
  kernel(g, dy, w, dx, inputs, out, outputs, accumulate);
}

void dl_winograd_backward_weight(
    dl_dtype t, const dl_conv_geometry *g, const void *x, size_t inputs, const void *dy,
    void *dw, size_t out, size_t outputs, int accumulate) {
  static const weight_kernel small_tiles[][2] = DL_LEVEL_TABLE(winograd2_backward_weight);
  static const weight_kernel large_tiles[][2] = DL_LEVEL_TABLE(winograd4_backward_weight);
  const weight_kernel kernel = (large(g, out) ? large_tiles : small_tiles)[dl_cpu_level()][t];
  kernel(g, x, inputs, dy, dw, out, outputs, accumulate);
}
