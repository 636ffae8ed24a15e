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

/// Nonzero where Winograd's convolution is the better choice: windows of 3 x 3 with stride 1 over 16
/// channels or more, of images whose sides do not lose much by being covered with tiles.
int dl_winograd_suits(const dl_conv_geometry *g, size_t out);

/// As dl_conv_forward, by Winograd's F(2 x 2, 3 x 3) or F(4 x 4, 3 x 3), as the image's sides and the channels
/// have it, for such windows of any channels. DL_F32 and DL_F64 alone, here and in its gradients.
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

/// The most values of an image, padded or not, that the kernels below take.
#define DL_ABREAST_VALUES (128 * 1024)

/// Nonzero where dl_abreast_forward is the better choice: few output channels, or a number of them
/// that fills no vectors; short windows, small images, float32, no dilation.
int dl_abreast_suits_forward(dl_dtype t, const dl_conv_geometry *g, size_t out);

/// The same for dl_abreast_backward_weight: few channels on either side.
int dl_abreast_suits_weight(dl_dtype t, const dl_conv_geometry *g, size_t out);

/// The same for dl_abreast_backward_input: few input channels.
int dl_abreast_suits_input(dl_dtype t, const dl_conv_geometry *g, size_t out);

/// As dl_conv_forward with the same bits, several images at a time; inputs = c, outputs = out.
void dl_abreast_forward(
    dl_dtype t, const dl_conv_geometry *g, const void *x, size_t inputs, const void *w,
    const void *bias, int relu, void *y, size_t out, size_t outputs);

/// As dl_conv_backward_input, likewise. Taps outside of the image have no term in a chain.
void dl_abreast_backward_input(
    dl_dtype t, const dl_conv_geometry *g, const void *dy, const void *w, void *dx,
    size_t inputs, size_t out, size_t outputs, int accumulate);

/// As dl_conv_backward_weight, likewise. Images 0, 16, 32 and so on have one sum in float64, which
/// chains of fused multiply-adds over some rows of pixels add up to, images 1, 17, 33 another; the 16
/// sums are added in halves. Fewer than 4 images have the bits of dl_conv_backward_weight.
void dl_abreast_backward_weight(
    dl_dtype t, const dl_conv_geometry *g, const void *x, size_t inputs, const void *dy,
    void *dw, size_t out, size_t outputs, int accumulate);

#endif
