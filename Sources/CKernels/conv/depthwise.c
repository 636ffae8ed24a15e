#include "dl_conv.h"
#include "geometry.h"
#include "template.h"

// Channels whose sums stay in registers.
#define DL_DEPTH_BLOCK 32

// The window that reads input place i with tap k; nonzero where there is one.
static inline int dl_reader(
    size_t i, size_t pad, size_t k, size_t dilation, size_t stride, size_t count, size_t *o) {
  size_t reach = k * dilation;
  if (i + pad < reach) return 0;
  size_t distance = i + pad - reach;
  if (stride != 1 && distance % stride != 0) return 0;
  *o = distance / stride;
  return *o < count;
}

#define DL_INC "conv/depthwise.inc"
#include "instantiate.h"

void dl_depthwise_forward(
    dl_dtype t, const dl_conv_geometry *g, const void *x, const void *w, void *y) {
  DL_CALL(depthwise_forward, t, g, x, w, y);
}

void dl_depthwise_backward_input(
    dl_dtype t, const dl_conv_geometry *g, const void *dy, const void *w, void *dx,
    int accumulate) {
  DL_CALL(depthwise_backward_input, t, g, dy, w, dx, accumulate);
}

void dl_depthwise_backward_weight(
    dl_dtype t, const dl_conv_geometry *g, const void *x, const void *dy, void *dw,
    int accumulate, double *scratch) {
  DL_CALL(depthwise_backward_weight, t, g, x, dy, dw, accumulate, scratch);
}
