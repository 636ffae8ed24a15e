#ifndef DL_CONV_H
#define DL_CONV_H

#include "dl_types.h"

/// A two-dimensional window over NHWC images: x [n, h, w, c] to y [n, oh, ow, ...].
///
/// Output (oy, ox) sees input rows oy * stride_h - pad_top + ky * dilation_h, and columns alike.
typedef struct {
  size_t n, h, w, c;
  size_t kh, kw;
  size_t stride_h, stride_w;
  size_t pad_top, pad_left;
  size_t dilation_h, dilation_w;
  size_t oh, ow;
} dl_conv_geometry;

/// cols[r - begin, (ky * kw + kx) * c + ch] = x at output row r = (image * oh + oy) * ow + ox.
///
/// Rows [begin, end) of n * oh * ow only, so that the caller can block for its cache; zero outside
/// the image. cols [end - begin, kh * kw * c]. Neighboring pixels of x lie `pixel` elements apart:
/// g->c, or more where c channels of a wider image are taken.
void dl_im2col(
    dl_dtype t, const dl_conv_geometry *g, const void *x, size_t pixel, size_t begin,
    size_t end, void *cols);

/// dx += the transpose of `dl_im2col`, in row order. The caller zeroes dx before the first range.
void dl_col2im(
    dl_dtype t, const dl_conv_geometry *g, const void *cols, size_t begin, size_t end, void *dx,
    size_t pixel);

/// y [n, oh, ow, c]: every channel by a window of its own, w [kh, kw, c].
void dl_depthwise_forward(
    dl_dtype t, const dl_conv_geometry *g, const void *x, const void *w, void *y);

/// dx [n, h, w, c] (+)= the gradient of `dl_depthwise_forward` by the input.
void dl_depthwise_backward_input(
    dl_dtype t, const dl_conv_geometry *g, const void *dy, const void *w, void *dx,
    int accumulate);

/// dw [kh, kw, c] (+)= the gradient by the weight. scratch: kh * kw * c doubles.
void dl_depthwise_backward_weight(
    dl_dtype t, const dl_conv_geometry *g, const void *x, const void *dy, void *dw,
    int accumulate, double *scratch);

/// y [n, oh, ow, out] = conv(x, w [kh, kw, c, out]) + bias [out] or NULL, then max(y, 0) with `relu`.
///
/// As a product of windows and weights, with that product's contract (dl_gemm.h): terms in the order
/// of w's first three axes. Neighboring pixels of x lie `inputs` elements apart and those of y, like
/// the rows of w, `outputs`: more than c and out where a group of the channels is taken.
void dl_conv_forward(
    dl_dtype t, const dl_conv_geometry *g, const void *x, size_t inputs, const void *w,
    const void *bias, int relu, void *y, size_t out, size_t outputs);

/// dx [n, h, w, c] (+)= the gradient by the input. Needs stride 1 or dilation 1.
void dl_conv_backward_input(
    dl_dtype t, const dl_conv_geometry *g, const void *dy, const void *w, void *dx,
    size_t inputs, size_t out, size_t outputs, int accumulate);

/// dw [kh, kw, c, out] (+)= the gradient by the weight.
void dl_conv_backward_weight(
    dl_dtype t, const dl_conv_geometry *g, const void *x, size_t inputs, const void *dy,
    void *dw, size_t out, size_t outputs, int accumulate);

/// Nonzero where Winograd's convolution is the better choice: windows of 3 x 3 with stride 1 over 64
/// channels or more, of images whose sides do not lose much by being covered with tiles of 2 x 2.
int dl_winograd_suits(const dl_conv_geometry *g, size_t out);

/// As dl_conv_forward, by Winograd's F(2 x 2, 3 x 3), for such windows of any channels.
void dl_winograd_forward(
    dl_dtype t, const dl_conv_geometry *g, const void *x, size_t inputs, const void *w,
    const void *bias, int relu, void *y, size_t out, size_t outputs);

/// As dl_conv_backward_input, likewise.
void dl_winograd_backward_input(
    dl_dtype t, const dl_conv_geometry *g, const void *dy, const void *w, void *dx,
    size_t inputs, size_t out, size_t outputs, int accumulate);

/// As dl_conv_backward_weight, likewise.
void dl_winograd_backward_weight(
    dl_dtype t, const dl_conv_geometry *g, const void *x, size_t inputs, const void *dy,
    void *dw, size_t out, size_t outputs, int accumulate);

/// What `dl_conv2d_direct_forward` applies after the bias.
typedef enum { DL_CONV_NONE = 0, DL_CONV_RELU = 1 } dl_conv_activation;

/// Nonzero where the direct kernels are the better choice than im2col and a matrix product: few
/// output channels, small windows, float32.
int dl_conv2d_direct_supported(dl_dtype t, const dl_conv_geometry *g, size_t out);

/// Bytes of scratch, 64-byte aligned, that the direct kernels need.
size_t dl_conv2d_direct_scratch(dl_dtype t, const dl_conv_geometry *g, size_t out);

/// y [n, oh, ow, out] = activation(conv(x, w [kh, kw, c, out]) + bias [out] or NULL).
///
/// Works for every geometry. Each image has the same bits whatever n is.
void dl_conv2d_direct_forward(
    dl_dtype t, const dl_conv_geometry *g, const void *x, const void *w, const void *bias,
    dl_conv_activation activation, void *y, size_t out, void *scratch);

/// dw [kh, kw, c, out] (+)= the gradient by the weight, db [out] or NULL (+)= that by the bias.
void dl_conv2d_direct_backward_weight(
    dl_dtype t, const dl_conv_geometry *g, const void *x, const void *dy, void *dw, void *db,
    size_t out, int accumulate, void *scratch);

/// dx [n, h, w, c] (+)= the gradient by the input.
void dl_conv2d_direct_backward_input(
    dl_dtype t, const dl_conv_geometry *g, const void *dy, const void *w, void *dx, size_t out,
    int accumulate, void *scratch);

/// The plain loops behind the three kernels above, for any machine; the oracle of their tests.
void dl_conv2d_plain_forward(
    dl_dtype t, const dl_conv_geometry *g, const void *x, const void *w, const void *bias,
    dl_conv_activation activation, void *y, size_t out);
void dl_conv2d_plain_backward_weight(
    dl_dtype t, const dl_conv_geometry *g, const void *x, const void *dy, void *dw, void *db,
    size_t out, int accumulate);
void dl_conv2d_plain_backward_input(
    dl_dtype t, const dl_conv_geometry *g, const void *dy, const void *w, void *dx, size_t out,
    int accumulate);

#endif
