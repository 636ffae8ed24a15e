#include "dl_conv.h"
#include "dl_elementwise.h"
#include "dl_reduction.h"
#include "geometry.h"
#include "template.h"

#define DL_TYPE (sizeof(T) == sizeof(float) ? DL_F32 : DL_F64)
#define DL_INC "conv/conv_plain.inc"
#include "instantiate.h"

void dl_conv2d_plain_forward(
    dl_dtype t, const dl_conv_geometry *g, const void *x, const void *w, const void *bias,
    dl_conv_activation activation, void *y, size_t out) {
  DL_CALL(plain_forward, t, g, x, w, bias, activation, y, out);
}

void dl_conv2d_plain_backward_weight(
    dl_dtype t, const dl_conv_geometry *g, const void *x, const void *dy, void *dw, void *db,
    size_t out, int accumulate) {
  DL_CALL(plain_backward_weight, t, g, x, dy, dw, db, out, accumulate);
}

void dl_conv2d_plain_backward_input(
    dl_dtype t, const dl_conv_geometry *g, const void *dy, const void *w, void *dx, size_t out,
    int accumulate) {
  DL_CALL(plain_backward_input, t, g, dy, w, dx, out, accumulate);
}
