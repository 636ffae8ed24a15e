#ifndef DL_ELEMENTWISE_H
#define DL_ELEMENTWISE_H

#include "dl_types.h"

// Elementwise passes over contiguous buffers. An output may be the same buffer as an input, but
// must not overlap it otherwise. accumulate: nonzero adds into the output, zero overwrites it.

/// y[i] = value.
void dl_fill(dl_dtype t, double value, void *y, size_t n);

/// y[i] = x[i].
void dl_copy(dl_dtype t, const void *x, void *y, size_t n);

/// y[i] (+)= a * x[i].
void dl_scale(dl_dtype t, double a, const void *x, void *y, size_t n, int accumulate);

/// y[i] += a * x[i].
void dl_axpy(dl_dtype t, double a, const void *x, void *y, size_t n);

/// y[i] (+)= x[i], x in double: sums that become a gradient.
void dl_add_doubles(dl_dtype t, const double *x, void *y, size_t n, int accumulate);

/// dx[i] (+)= dy[i] * b[i], the gradient of a product.
void dl_multiply_add(
    dl_dtype t, const void *dy, const void *b, void *dx, size_t n, int accumulate);

/// y[i] = clamp(x[i], low, high); NaN stays NaN.
void dl_clamp(dl_dtype t, double low, double high, const void *x, void *y, size_t n);

/// Functions of one variable. `alpha` is the slope of leaky ReLU below zero and the scale of ELU.
typedef enum {
  DL_IDENTITY = 0,
  DL_RELU,        // max(x, 0)
  DL_LEAKY_RELU,  // x > 0 ? x : alpha x
  DL_RELU6,       // min(max(x, 0), 6)
  DL_ELU,         // x > 0 ? x : alpha (exp(x) - 1)
  DL_SIGMOID,     // 1 / (1 + exp(-x))
  DL_TANH,
  DL_GELU,          // x/2 (1 + erf(x / sqrt 2))
  DL_GELU_TANH,     // x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
  DL_SILU,          // x sigmoid(x)
  DL_SOFTPLUS,      // log(1 + exp(x))
  DL_HARD_SIGMOID,  // min(max(x + 3, 0), 6) / 6
  DL_HARD_SWISH,    // x hard_sigmoid(x)
  DL_EXP,
  DL_LOG,
  DL_SQRT,
  DL_RSQRT,
  DL_ABS,
  DL_SQUARE,
  DL_RECIPROCAL,
  DL_SELU,  // scale (x > 0 ? x : alpha (exp(x) - 1)), both constants those of the paper
  DL_ERF,
} dl_unary;

/// y[i] = op(x[i]).
void dl_unary_forward(dl_dtype t, dl_unary op, double alpha, const void *x, void *y, size_t n);

/// dx[i] (+)= op'(x[i]) * dy[i].
///
/// Of x and y one is read, or neither; the other may be NULL. y is read for ReLU, whose slope is
/// y > 0, ReLU6, sigmoid, tanh, exp, both roots and the reciprocal, neither for the identity.
void dl_unary_backward(
    dl_dtype t, dl_unary op, double alpha, const void *x, const void *y, const void *dy,
    void *dx, size_t n, int accumulate);

/// y[i] = op(x[i]) and slope[i] = op'(x[i]) for DL_GELU or DL_GELU_TANH, whose two share an exponential;
/// the same bits as one by one. slope may be x.
void dl_gelu_with_slope(dl_dtype t, dl_unary op, const void *x, void *y, void *slope, size_t n);

// Activations with several numbers or with weights. accumulate: nonzero adds into the output.

/// y[i] = log(1 + exp(beta x[i])) / beta, or x[i] where beta x[i] > threshold.
void dl_softplus_forward(
    dl_dtype t, double beta, double threshold, const void *x, void *y, size_t n);

/// dx[i] (+)= sigmoid(beta x[i]) * dy[i], or dy[i] where beta x[i] > threshold.
void dl_softplus_backward(
    dl_dtype t, double beta, double threshold, const void *x, const void *dy, void *dx,
    size_t n, int accumulate);

/// y = x > 0 ? x : weight[c] x over [rows, channels].
void dl_prelu_forward(
    dl_dtype t, const void *x, const void *weight, size_t rows, size_t channels, void *y);

/// dx (+)= (x > 0 ? 1 : weight[c]) * dy.
void dl_prelu_backward_input(
    dl_dtype t, const void *x, const void *weight, const void *dy, size_t rows, size_t channels,
    void *dx, int accumulate);

/// sums[c] = the sum over rows of min(x, 0) * dy, the gradient of the weight.
void dl_prelu_backward_weight(
    dl_dtype t, const void *x, const void *dy, size_t rows, size_t channels, double *sums);

/// y[i] = the largest of x[i * pieces ..< (i + 1) * pieces]; NaN if one is.
void dl_maxout_forward(dl_dtype t, const void *x, size_t pieces, void *y, size_t n);

/// dx (+)= dy at the first largest piece, 0 at the others; dx has n * pieces elements.
void dl_maxout_backward(
    dl_dtype t, const void *x, const void *dy, size_t pieces, void *dx, size_t n,
    int accumulate);

/// y[r, c] = op(x[r, c] + bias[c]) over [rows, cols]; y may be x. bias may be NULL.
///
/// The gradient of the bias is `dl_column_sums`, that of op is `dl_unary_backward`.
void dl_bias_forward(
    dl_dtype t, dl_unary op, double alpha, const void *x, const void *bias, size_t rows,
    size_t cols, void *y);

#define DL_MAX_RANK 8

/// Functions of two variables, with broadcasting.
typedef enum {
  DL_ADD = 0,
  DL_SUB,
  DL_MUL,
  DL_DIV,
  DL_MAXIMUM,  // NaN in either operand gives NaN
  DL_MINIMUM,
  DL_POW,  // a^b
} dl_binary;

/// y = op(a, b) over `shape` (rank 0 to 8), y contiguous.
///
/// Strides count elements; a broadcast dimension has stride 0. y may be a or b where that operand is
/// contiguous and not broadcast.
void dl_binary_forward(
    dl_dtype t, dl_binary op, size_t rank, const size_t *shape, const void *a,
    const ptrdiff_t *a_strides, const void *b, const ptrdiff_t *b_strides, void *y);

/// g (+)= dy * d op / d operand over the full `shape`; operand 0 is a, 1 is b.
///
/// g and dy are contiguous; `dl_reduce_to` then sums g to the operand's own shape. Where maximum or
/// minimum meet a tie each operand gets half, as in PyTorch. a and b may be NULL for add and sub.
void dl_binary_backward(
    dl_dtype t, dl_binary op, int operand, size_t rank, const size_t *shape, const void *a,
    const ptrdiff_t *a_strides, const void *b, const ptrdiff_t *b_strides, const void *dy,
    void *g, int accumulate);

/// out (+)= x summed over the dimensions in which `out_strides` is 0; double accumulators.
///
/// x is contiguous over `shape`; the other strides place each kept index in `out`.
void dl_reduce_to(
    dl_dtype t, size_t rank, const size_t *shape, const void *x, const ptrdiff_t *out_strides,
    void *out, int accumulate);

/// y (+)= x spread over `shape`: y is contiguous, x has stride 0 in the broadcast dimensions.
void dl_expand_to(
    dl_dtype t, size_t rank, const size_t *shape, const void *x, const ptrdiff_t *x_strides,
    void *y, int accumulate);

/// y[i] = (x[i] / 255 - mean[i % period]) / std[i % period], each operation rounded to type t.
///
/// mean and std are of type t. A period of many elements (the channels repeated) keeps the loop wide.
void dl_convert_u8(
    dl_dtype t, const uint8_t *x, size_t count, const void *mean, const void *std,
    size_t period, void *y);

/// y[i] = (x[i] - mean[i % period]) / std[i % period], each operation rounded to type t.
void dl_convert_f32(
    dl_dtype t, const float *x, size_t count, const void *mean, const void *std, size_t period,
    void *y);

/// y = keep ? x / (1 - p) : 0 over [rows, cols]; y may be x.
///
/// Row r here is row first_row + r of the global batch. Element e of global row r takes word e % 4 of
/// Philox4x32-10 with counter {e/4 low, e/4 high, r low, r high} under `key`; it is kept when
/// word * 2^-32 >= p. So the mask does not depend on how the batch is cut, and is never stored.
/// 0 <= p <= 1; p = 1 gives zeros.
void dl_dropout_forward(
    dl_dtype t, const void *x, size_t rows, size_t cols, uint64_t first_row, uint64_t key,
    double p, void *y);

/// dx (+)= keep ? dy / (1 - p) : 0, with the same mask; dx may be dy.
void dl_dropout_backward(
    dl_dtype t, const void *dy, size_t rows, size_t cols, uint64_t first_row, uint64_t key,
    double p, void *dx, int accumulate);

/// What dl_dropout_forward gives for `count` elements of global row `row`, from its element `first`
/// on, which x and y point to.
void dl_dropout_forward_part(
    dl_dtype t, const void *x, size_t count, uint64_t row, uint64_t first, uint64_t key,
    double p, void *y);

/// What dl_dropout_backward gives for a part of a row.
void dl_dropout_backward_part(
    dl_dtype t, const void *dy, size_t count, uint64_t row, uint64_t first, uint64_t key,
    double p, void *dx, int accumulate);

/// y[i] = x[i]^exponent, rounded once from double.
void dl_power(dl_dtype t, double exponent, const void *x, void *y, size_t n);

/// dx[i] (+)= exponent * x[i]^(exponent - 1) * dy[i]; 0 where the exponent is 0.
void dl_power_backward(
    dl_dtype t, double exponent, const void *x, const void *dy, void *dx, size_t n,
    int accumulate);

/// dx[i] (+)= dy[i] where low <= x[i] <= high.
void dl_clamp_backward(
    dl_dtype t, double low, double high, const void *x, const void *dy, void *dx, size_t n,
    int accumulate);

// Masks hold one byte an element, 0 or not. Strides count elements, 0 in a broadcast dimension;
// `shape` has at most 8 dimensions and y is contiguous.

/// y = mask ? a : b.
void dl_where(
    dl_dtype t, size_t rank, const size_t *shape, const uint8_t *mask,
    const ptrdiff_t *mask_strides, const void *a, const ptrdiff_t *a_strides, const void *b,
    const ptrdiff_t *b_strides, void *y);

/// Comparisons; with NaN all are false but the last.
typedef enum {
  DL_LESS = 0,
  DL_LESS_EQUAL,
  DL_GREATER,
  DL_GREATER_EQUAL,
  DL_EQUAL,
  DL_NOT_EQUAL,
} dl_comparison;

/// y = a op b ? 1 : 0.
void dl_compare(
    dl_dtype t, dl_comparison op, size_t rank, const size_t *shape, const void *a,
    const ptrdiff_t *a_strides, const void *b, const ptrdiff_t *b_strides, uint8_t *y);

/// The same for int32.
void dl_compare_integers(
    dl_comparison op, size_t rank, const size_t *shape, const int32_t *a,
    const ptrdiff_t *a_strides, const int32_t *b, const ptrdiff_t *b_strides, uint8_t *y);

#endif
