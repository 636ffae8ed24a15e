#ifndef DL_POOLING_H
#define DL_POOLING_H

#include "dl_conv.h"
#include "dl_types.h"

/// y [n, oh, ow, c] = the largest element of each window; argmax = iy * w + ix within its image.
///
/// Padding counts as -infinity, NaN wins, the first of equal elements is taken, as in PyTorch.
/// argmax has y's shape and may be NULL. Every window must touch the image.
void dl_max_pool_forward(
    dl_dtype t, const dl_conv_geometry *g, const void *x, void *y, int32_t *argmax);

/// dx [n, h, w, c] (+)= dy scattered to where `argmax` points.
void dl_max_pool_backward(
    dl_dtype t, const dl_conv_geometry *g, const void *dy, const int32_t *argmax, void *dx,
    int accumulate);

/// y = the sum of each window over the number of its taps that lie within the first counted_h rows
/// and counted_w columns of the padded image or, where these are 0, inside the image.
void dl_avg_pool_forward(
    dl_dtype t, const dl_conv_geometry *g, const void *x, size_t counted_h, size_t counted_w,
    void *y);

/// dx (+)= the gradient of `dl_avg_pool_forward`.
void dl_avg_pool_backward(
    dl_dtype t, const dl_conv_geometry *g, const void *dy, size_t counted_h, size_t counted_w,
    void *dx, int accumulate);

/// y [n, c] = the mean over `pixels` of x [n, pixels, c].
void dl_global_avg_pool_forward(
    dl_dtype t, const void *x, size_t n, size_t pixels, size_t c, void *y);

/// dx [n, pixels, c] (+)= dy [n, c] / pixels.
void dl_global_avg_pool_backward(
    dl_dtype t, const void *dy, size_t n, size_t pixels, size_t c, void *dx, int accumulate);

/// y [n, oh, ow, c] = the largest element of rows [oy * h / oh, ceil((oy + 1) * h / oh)) and columns
/// alike; argmax as in `dl_max_pool_forward`, whose backward pass serves here too.
///
/// Reads n, h, w, c, oh and ow of the geometry; h and w are at least 1.
void dl_adaptive_max_pool_forward(
    dl_dtype t, const dl_conv_geometry *g, const void *x, void *y, int32_t *argmax);

/// y [n, oh, ow, c] = the mean over the same windows.
void dl_adaptive_avg_pool_forward(
    dl_dtype t, const dl_conv_geometry *g, const void *x, void *y);

/// dx (+)= the gradient of `dl_adaptive_avg_pool_forward`.
void dl_adaptive_avg_pool_backward(
    dl_dtype t, const dl_conv_geometry *g, const void *dy, void *dx, int accumulate);

#endif
