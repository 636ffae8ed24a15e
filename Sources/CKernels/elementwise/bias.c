#include "dl_elementwise.h"

#include "template.h"
#include "unary_table.h"

#define DL_INC "elementwise/bias.inc"
#include "instantiate.h"

void dl_bias_forward(
    dl_dtype t, dl_unary op, double alpha, const void *x, const void *bias, size_t rows,
    size_t cols, void *y) {
  if (bias == NULL) {
    dl_unary_forward(t, op, alpha, x, y, rows * cols);
  } else {
    DL_CALL(bias_forward, t, op, alpha, x, bias, rows, cols, y);
  }
}
