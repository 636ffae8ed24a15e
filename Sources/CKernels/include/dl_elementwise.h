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

/// y[i] = x[i] + a.
void dl_add_scalar(dl_dtype t, double a, const void *x, void *y, size_t n);

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
/// Only what `dl_unary_needs` names is read: x or y may be NULL otherwise. ReLU's slope is y > 0.
void dl_unary_backward(
    dl_dtype t, dl_unary op, double alpha, const void *x, const void *y, const void *dy,
    void *dx, size_t n, int accumulate);

/// What the backward pass of `op` reads besides dy: 0 nothing, 1 x, 2 y.
int dl_unary_needs(dl_unary op);

#endif
