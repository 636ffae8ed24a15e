#ifndef DL_SAMPLE_H
#define DL_SAMPLE_H

#include "dl_types.h"

// Reading NHWC images between their pixels.

/// Where an output row (or column) lies between two input rows: `weight` of the upper one.
typedef struct {
  int32_t lower, upper;
  double weight;
} dl_blend;

/// y [n, oh, ow, c] = x [n, h, w, c] read at rows[oy] and columns[ox], bilinearly.
void dl_resize_forward(
    dl_dtype t, const void *x, size_t n, size_t h, size_t w, size_t c, const dl_blend *rows,
    size_t oh, const dl_blend *columns, size_t ow, void *y);

/// dx (+)= the gradient of `dl_resize_forward`.
void dl_resize_backward(
    dl_dtype t, const void *dy, size_t n, size_t h, size_t w, size_t c, const dl_blend *rows,
    size_t oh, const dl_blend *columns, size_t ow, void *dx, int accumulate);

/// y [n, oh, ow, c] = x [n, h, w, c] from row `top` and column `left` on, zero around it.
void dl_pad_forward(
    dl_dtype t, const void *x, size_t n, size_t h, size_t w, size_t c, size_t top, size_t left,
    size_t oh, size_t ow, void *y);

/// dx (+)= the part of dy that `dl_pad_forward` put x into.
void dl_pad_backward(
    dl_dtype t, const void *dy, size_t n, size_t h, size_t w, size_t c, size_t top, size_t left,
    size_t oh, size_t ow, void *dx, int accumulate);

/// Outside the image: zeros, or the pixel of the border.
typedef enum { DL_PAD_ZEROS = 0, DL_PAD_BORDER = 1 } dl_sample_padding;

/// y [n, places, c] = x [n, h, w, c] read bilinearly at grid [n, places, 2], pairs of x and y.
///
/// -1 and 1 are the centres of the corner pixels with align_corners, else their outer edges. A place
/// that is no number reads nothing, or the first pixel with DL_PAD_BORDER.
void dl_grid_sample_forward(
    dl_dtype t, const void *x, size_t n, size_t h, size_t w, size_t c, const void *grid,
    size_t places, dl_sample_padding padding, int align_corners, void *y);

/// dx (+)= the gradient by the images; dgrid (+)= that by the places. Either may be NULL.
void dl_grid_sample_backward(
    dl_dtype t, const void *x, size_t n, size_t h, size_t w, size_t c, const void *grid,
    size_t places, dl_sample_padding padding, int align_corners, const void *dy, void *dx,
    void *dgrid, int accumulate);

#endif
