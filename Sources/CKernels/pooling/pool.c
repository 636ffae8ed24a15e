#include "dl_pooling.h"

#include "dl_reduction.h"
#include "geometry.h"
#include "template.h"

#define DL_POOL_BLOCK 64

// Nonzero for 2x2 windows with stride 2 that lie side by side inside the image.
static int dl_tiles_2x2(const dl_conv_geometry *g) {
  return g->kh == 2 && g->kw == 2 && g->stride_h == 2 && g->stride_w == 2 && g->pad_top == 0 &&
         g->pad_left == 0 && g->dilation_h == 1 && g->dilation_w == 1 && 2 * g->oh <= g->h &&
         2 * g->ow <= g->w;
}

// How many of the k taps of output o count in an average along one axis.
static size_t dl_counted_taps(
    size_t o, size_t stride, size_t pad, size_t k, size_t dilation, size_t size,
    size_t counted) {
  size_t count = 0;
  for (size_t i = 0; i < k; i++) {
    count += counted > 0 ? o * stride + i * dilation < counted
                         : (size_t)dl_inside(dl_tap(o, stride, pad, i, dilation), size);
  }
  return count;
}

#define DL_INC "pooling/pool.inc"
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
    dl_dtype t, const dl_conv_geometry *g, const void *x, size_t counted_h, size_t counted_w,
    void *y) {
  DL_CALL(avg_pool, t, g, x, counted_h, counted_w, y, 0);
}

void dl_avg_pool_backward(
    dl_dtype t, const dl_conv_geometry *g, const void *dy, size_t counted_h, size_t counted_w,
    void *dx, int accumulate) {
  DL_CALL(avg_pool_backward, t, g, dy, counted_h, counted_w, dx, accumulate);
}

void dl_global_avg_pool_forward(
    dl_dtype t, const void *x, size_t n, size_t pixels, size_t c, void *y) {
  dl_sum_axes(t, x, n, pixels, c, 1.0 / (double)pixels, y, 0);
}

void dl_global_avg_pool_backward(
    dl_dtype t, const void *dy, size_t n, size_t pixels, size_t c, void *dx, int accumulate) {
  dl_broadcast_axes(t, dy, n, pixels, c, 1.0 / (double)pixels, dx, accumulate);
}
