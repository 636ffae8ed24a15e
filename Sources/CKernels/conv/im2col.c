#include "dl_conv.h"
#include "geometry.h"
#include "template.h"

#define DL_INC "conv/im2col.inc"
#include "instantiate.h"

void dl_im2col(
    dl_dtype t, const dl_conv_geometry *g, const void *x, size_t pixel, size_t begin,
    size_t end, void *cols) {
  DL_CALL(im2col, t, g, x, pixel, begin, end, cols);
}

void dl_col2im(
    dl_dtype t, const dl_conv_geometry *g, const void *cols, size_t begin, size_t end, void *dx,
    size_t pixel) {
  DL_CALL(col2im, t, g, cols, begin, end, dx, pixel);
}
