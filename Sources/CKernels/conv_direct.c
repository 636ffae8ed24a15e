#include "dl_conv.h"

int dl_conv2d_direct_supported(dl_dtype t, const dl_conv_geometry *g, size_t out) {
  (void)t, (void)g, (void)out;
  return 0;
}

size_t dl_conv2d_direct_scratch(dl_dtype t, const dl_conv_geometry *g, size_t out) {
  (void)t, (void)g, (void)out;
  return 0;
}

void dl_conv2d_direct_forward(
  dl_dtype t, const dl_conv_geometry *g, const void *x, const void *w, const void *bias,
  dl_conv_activation activation, void *y, size_t out, void *scratch) {
  (void)scratch;
  dl_conv2d_plain_forward(t, g, x, w, bias, activation, y, out);
}

void dl_conv2d_direct_backward_weight(
  dl_dtype t, const dl_conv_geometry *g, const void *x, const void *dy, void *dw, void *db,
  size_t out, int accumulate, void *scratch) {
  (void)scratch;
  dl_conv2d_plain_backward_weight(t, g, x, dy, dw, db, out, accumulate);
}

void dl_conv2d_direct_backward_input(
  dl_dtype t, const dl_conv_geometry *g, const void *dy, const void *w, void *dx, size_t out,
  int accumulate, void *scratch) {
  (void)scratch;
  dl_conv2d_plain_backward_input(t, g, dy, w, dx, out, accumulate);
}
