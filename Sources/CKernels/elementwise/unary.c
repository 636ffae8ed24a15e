#include "dl_elementwise.h"
#include "template.h"
#include "unary_table.h"

#define DL_INC "elementwise/unary.inc"
#include "instantiate.h"

void dl_unary_forward(dl_dtype t, dl_unary op, double alpha, const void *x, void *y, size_t n) {
  DL_CALL(unary_forward, t, op, alpha, x, y, n);
}

void dl_gelu_with_slope(
    dl_dtype t, dl_unary op, const void *x, void *y, void *slope, size_t n) {
  if (op == DL_GELU) {
    DL_CALL(gelu_with_slope, t, x, y, slope, n);
  } else {
    DL_CALL(gelu_tanh_with_slope, t, x, y, slope, n);
  }
}

// What the backward pass of `op` reads besides dy: 0 nothing, 1 x, 2 y.
static int dl_unary_needs(dl_unary op) {
  switch (op) {
    case DL_IDENTITY: return 0;
    case DL_RELU:
    case DL_RELU6:
    case DL_SIGMOID:
    case DL_TANH:
    case DL_EXP:
    case DL_SQRT:
    case DL_RSQRT:
    case DL_RECIPROCAL: return 2;
    default: return 1;
  }
}

void dl_unary_backward(
    dl_dtype t, dl_unary op, double alpha, const void *x, const void *y, const void *dy,
    void *dx, size_t n, int accumulate) {
  const void *v = dl_unary_needs(op) == 2 ? y : x;
  DL_CALL(unary_backward, t, op, alpha, v, dy, dx, n, accumulate);
}
