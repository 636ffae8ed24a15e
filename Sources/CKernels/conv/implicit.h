// Convolutions as products whose left operand is never written out.
//
// A row of the left operand is a window of the image. In NHWC the values of a window's row of taps are
// neighbors in memory, so a chain over all taps is a handful of segments (gemm.h) at fixed distances
// from the window's first value. A copy of the image that includes the padding spares all bounds.
//
//   forward          y  [pixels of y, out]  = windows of x       times  w  [taps * c, out]
//   data gradient    dx [pixels of dx, c]   = windows of dy      times  w  by taps, transposed
//   weight gradient  dw [taps * c, out]     = windows of x, the other way round, times dy
//
// The data gradient of a strided convolution is one such product for each remainder of a pixel's row
// and column by the stride: those pixels see the same taps.
#ifndef DL_CONV_IMPLICIT_H
#define DL_CONV_IMPLICIT_H

#include "dl_conv.h"
#include "gemm/gemm.h"

// Pixels whose products go together: enough of them to use the weights that a cache holds.
#define DL_CONV_PIXELS 512

// A window over images that are padded already: taps of `depth` values, of which an element may hold two.
typedef struct {
  size_t kh, kw, depth;
  size_t row, pixel;      // elements from one row, and from one pixel, to the next
  size_t step_h, step_w;  // rows and pixels from one tap to the next
} dl_window;

// Rows (or columns) of the padded image that the windows of `count` results cover.
static inline size_t dl_covered(size_t count, size_t stride, size_t kernel, size_t dilation) {
  return (count - 1) * stride + (kernel - 1) * dilation + 1;
}

// The taps that pixels see whose padded row (or column) leaves `rest` when divided by the stride.
static inline size_t dl_taps_of(size_t k, size_t stride, size_t rest) {
  return rest < k ? (k - rest + stride - 1) / stride : 0;
}

#endif
