#include "dl_pool.h"

#include "dl_sums.h"
#include "geometry.h"
#include "template.h"

#define DL_POOL_BLOCK 64

// Nonzero for 2x2 windows with stride 2 that lie side by side inside the image.
static int dl_tiles_2x2(const dl_conv_geometry *g) {
  return g->kh == 2 && g->kw == 2 && g->stride_h == 2 && g->stride_w == 2 && g->pad_top == 0
    && g->pad_left == 0 && g->dilation_h == 1 && g->dilation_w == 1 && 2 * g->oh <= g->h
    && 2 * g->ow <= g->w;
}

#define DL_INC "pool.inc"
#include "instantiate.h"

void dl_max_pool_forward(
  dl_dtype t, const dl_conv_geometry *g, const void *x, void *y, int32_t *argmax) {
  DL_CALL(max_pool_forward, t, g, x, y, argmax);
}

void dl_max_pool_backward(
  dl_dtype t, const dl_conv_geometry *g, const void *dy, const int32_t *argmax, void *dx,
  int accumulate) {
  DL_CALL(max_pool_backward, t, g, dy, argmax, dx, accumulate);
}

void dl_avg_pool_forward(
  dl_dtype t, const dl_conv_geometry *g, const void *x, int count_include_pad, void *y) {
  DL_CALL(avg_pool, t, g, x, count_include_pad, y, 0);
}

void dl_avg_pool_backward(
  dl_dtype t, const dl_conv_geometry *g, const void *dy, int count_include_pad, void *dx,
  int accumulate) {
  DL_CALL(avg_pool_backward, t, g, dy, count_include_pad, dx, accumulate);
}

void dl_global_avg_pool_forward(
  dl_dtype t, const void *x, size_t n, size_t pixels, size_t c, void *y) {
  dl_sum_axes(t, x, n, pixels, c, 1.0 / (double)pixels, y, 0);
}

void dl_global_avg_pool_backward(
  dl_dtype t, const void *dy, size_t n, size_t pixels, size_t c, void *dx, int accumulate) {
  dl_broadcast_axes(t, dy, n, pixels, c, 1.0 / (double)pixels, dx, accumulate);
}
